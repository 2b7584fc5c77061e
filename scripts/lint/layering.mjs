// The layers, as a lint rule: which top folder may import which, and who may name an adapter.
// An adapter is a file named technology + noun (sqlite-storage.ts), or anything in a folder named for its
// technology; it may be imported by its own folder, by a program's main.ts and by tests, so that all else
// depends on the port.
import { builtinModules } from 'node:module';
import path from 'node:path';

/** What each layer may import besides itself. */
const allowedLayers = {
  core: [],
  platform: ['core'],
  node: ['core', 'platform'],
  operator: ['core', 'platform'],
  client: ['core', 'platform'],
  page: ['core'],
  launcher: ['core', 'platform'],
  bench: ['core', 'platform', 'client'],
  monitoring: [],
  test: ['core', 'platform', 'node', 'operator', 'client', 'page', 'launcher', 'bench', 'monitoring'],
};

const programs = ['node', 'operator', 'client', 'launcher'];
const adapterFile = /^(sqlite|tcp|express|kubernetes|local|file)-[a-z0-9-]+\.(js|ts)$/;
const adapterFolders = ['operator/kubernetes', 'operator/local'];

/**
 * Why `specifier`, imported by the file at `filePath` (relative to the root), breaks the layering; undefined
 * if it does not.
 */
export function layeringFault(filePath, specifier) {
  const importer = filePath.split(path.sep).join('/');
  const layer = importer.split('/')[0];
  const allowed = allowedLayers[layer];
  if (allowed === undefined) return undefined;
  if (!specifier.startsWith('.')) return packageFault(layer, specifier);
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(importer), specifier));
  const targetLayer = target.split('/')[0];
  if (targetLayer !== layer && !allowed.includes(targetLayer)) {
    return `'${layer}' must not import from '${targetLayer}'`;
  }
  return adapterFault(importer, target, layer);
}

function packageFault(layer, specifier) {
  if (layer === 'core') return `'core' imports nothing: no packages and no Node modules`;
  const bare = specifier.replace(/^node:/, '').split('/')[0];
  if (!specifier.startsWith('node:') && builtinModules.includes(bare)) return `write 'node:${specifier}'`;
  return undefined;
}

function adapterFault(importer, target, layer) {
  if (!programs.includes(layer) || importer === `${layer}/main.ts`) return undefined;
  const importerFolder = path.posix.dirname(importer);
  const targetFolder = path.posix.dirname(target);
  for (const folder of adapterFolders) {
    const inside = (name) => name === folder || name.startsWith(`${folder}/`);
    if (inside(targetFolder) && !inside(importerFolder)) return onlyMain(target);
  }
  if (adapterFile.test(path.posix.basename(target)) && importerFolder !== targetFolder)
    return onlyMain(target);
  return undefined;
}

function onlyMain(target) {
  return `'${target}' is an adapter: only main.ts may name it, all else uses its port`;
}

/** The ESLint plugin that holds the rule. */
export const layeringPlugin = {
  rules: {
    layering: {
      meta: { type: 'problem', schema: [] },
      create(context) {
        const filePath = path.relative(context.cwd, context.filename);
        const judge = (source) => {
          if (source === null || typeof source?.value !== 'string') return;
          const fault = layeringFault(filePath, source.value);
          if (fault !== undefined) context.report({ node: source, message: fault });
        };
        return {
          ImportDeclaration: (node) => judge(node.source),
          ExportNamedDeclaration: (node) => judge(node.source),
          ExportAllDeclaration: (node) => judge(node.source),
          ImportExpression: (node) => judge(node.source),
          TSImportType: (node) => judge(node.source ?? node.argument?.literal ?? null),
        };
      },
    },
  },
};
