/**
 * The files of the live page, read when somebody opens it for the first time: the document, its style, and
 * the modules that it imports, which are the compiled sources themselves. Nothing else can be asked for.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface PageFile {
  contentType: string;
  entityTag: string;
  content: Buffer;
}

const compiledFolder = path.resolve(import.meta.dirname, '../..');
const staticFolder = path.resolve(compiledFolder, '../page/static');
const firstModule = 'page/main.js';
/** Where the document names the modules, so that a browser fetches them all at once. */
const preloadMark = '<!-- modules -->';
const importedModule = /(?:^|[\s;])(?:import|from)\s*['"](\.[^'"]+)['"]/g;
const sourceMapLine = /^\/\/# sourceMappingURL=.*$/m;
const modulesMax = 100;

/** By the path that they are asked for, which begins with a slash. */
export function readPageFiles(): Map<string, PageFile> {
  const modules = readModules();
  const files = new Map<string, PageFile>();
  for (const [name, text] of modules) files.set(`/page/${name}`, fileOf('text/javascript', text));
  const preloads = [...modules.keys()].map((name) => `<link rel="modulepreload" href="page/${name}" />`);
  const document = readStatic('index.html').replace(preloadMark, preloads.join('\n    '));
  files.set('/', fileOf('text/html', document));
  files.set('/page/page.css', fileOf('text/css', readStatic('page.css')));
  files.set('/page/icon.svg', fileOf('image/svg+xml', readStatic('icon.svg')));
  return files;
}

/** The first module and all that it imports, by their place in the compiled tree. */
function readModules(): Map<string, string> {
  const modules = new Map<string, string>();
  const open = [firstModule];
  for (let name = open.shift(); name !== undefined; name = open.shift()) {
    if (modules.has(name)) continue;
    if (modules.size >= modulesMax || name.startsWith('..')) throw new Error(`the page imports ${name}`);
    const text = readFileSync(path.join(compiledFolder, name), 'utf8').replace(sourceMapLine, '');
    modules.set(name, text);
    for (const [, imported = ''] of text.matchAll(importedModule)) {
      open.push(path.posix.join(path.posix.dirname(name), imported));
    }
  }
  return modules;
}

function readStatic(name: string): string {
  return readFileSync(path.join(staticFolder, name), 'utf8');
}

function fileOf(type: string, text: string): PageFile {
  const content = Buffer.from(text);
  const digest = createHash('sha256').update(content).digest('base64url').slice(0, 22);
  return { contentType: `${type}; charset=utf-8`, entityTag: `"${digest}"`, content };
}
