/**
 * The layering is only worth something if the linter refuses what breaks it: through the real configuration
 * for `core`, and case by case for the rule itself.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../../../..');

interface LintResult {
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

function lint(filePath: string, text: string): LintResult['messages'] {
  const eslint = path.join(root, 'node_modules/eslint/bin/eslint.js');
  const run = spawnSync(
    process.execPath,
    [eslint, '--stdin', '--stdin-filename', filePath, '--format', 'json'],
    { cwd: root, input: text, encoding: 'utf8' },
  );
  const results = JSON.parse(run.stdout) as LintResult[];
  return results.flatMap((result) => result.messages);
}

describe('the configured linter', () => {
  it('refuses packages, Node, other layers, clock and chance in core', () => {
    const messages = lint(
      'core/assert.ts',
      [
        `import { readFileSync } from 'node:fs';`,
        `import { parse } from 'yaml';`,
        `export { start } from '../node/main.js';`,
        `export const values = [readFileSync, parse, Math.random(), Date.now()];`,
      ].join('\n'),
    );
    const count = (ruleId: string) => messages.filter((message) => message.ruleId === ruleId).length;
    expect(count('kvorum/layering')).toBe(3);
    expect(count('no-restricted-properties')).toBe(2);
  }, 120_000);
});

describe('the layering rule', () => {
  let layeringFault: (filePath: string, specifier: string) => string | undefined;

  beforeAll(async () => {
    const url = pathToFileURL(path.join(root, 'scripts/lint/layering.mjs')).href;
    ({ layeringFault } = (await import(url)) as { layeringFault: typeof layeringFault });
  });

  it.each([
    ['core/ring/placement.ts', 'fast-check'],
    ['core/ring/placement.ts', 'node:crypto'],
    ['core/ring/placement.ts', '../../platform/clock.js'],
    ['platform/clock.ts', '../node/main.js'],
    ['node/worker/worker.ts', '../../operator/main.js'],
    ['operator/control-loop.ts', '../node/config.js'],
    ['client/client.ts', '../node/api/router.js'],
    ['launcher/main.ts', '../node/main.js'],
    ['node/api/router.ts', '../../test/support/cluster.js'],
    ['node/worker/worker.ts', '../storage/sqlite-storage.js'],
    ['node/worker/worker.ts', '../peers/tcp-peers.js'],
    ['operator/control-loop.ts', './local/local-ring-store.js'],
    ['operator/control-loop.ts', './kubernetes/ring-store.js'],
    ['node/main.ts', 'fs'],
  ])('refuses %s importing %s', (importer, specifier) => {
    expect(layeringFault(importer, specifier)).toEqual(expect.any(String));
  });

  it.each([
    ['core/ring/placement.ts', '../assert.js'],
    ['core/ring/placement.ts', './hash.js'],
    ['platform/clock.ts', '../core/assert.js'],
    ['platform/clock.ts', 'node:timers'],
    ['node/worker/worker.ts', '../../core/replication/replica.js'],
    ['node/worker/worker.ts', '../storage/storage.js'],
    ['node/storage/sqlite-storage.ts', './sqlite-log.js'],
    ['node/main.ts', './storage/sqlite-storage.js'],
    ['operator/main.ts', './kubernetes/ring-store.js'],
    ['operator/kubernetes/ring-store.ts', './client.js'],
    ['test/unit/node/storage.test.ts', '../../../node/storage/sqlite-storage.js'],
  ])('allows %s importing %s', (importer, specifier) => {
    expect(layeringFault(importer, specifier)).toBeUndefined();
  });
});

describe('the style check', () => {
  let faultsOf: (file: string, text: string) => string[];

  beforeAll(async () => {
    const url = pathToFileURL(path.join(root, 'scripts/lint/style.mjs')).href;
    ({ faultsOf } = (await import(url)) as { faultsOf: typeof faultsOf });
  });

  it.each([
    ['core/hashRing.ts', '// Role.\n'],
    ['core/ring-utils.ts', '// Role.\n'],
    ['core/manager/ring.ts', '// Role.\n'],
    ['core/ring.ts', 'export const ring = 1;\n'],
    ['core/ring.ts', `// Role.\n// ${'x'.repeat(120)}\n`],
    ['core/ring.ts', `// Role.\n// ${['TO', 'DO'].join('')}: later\n`],
    ['test/ring.test.ts', `// Role.\nit.${['sk', 'ip'].join('')}('x', () => undefined);\n`],
  ])('refuses %s holding %j', (file, text) => {
    expect(faultsOf(file, text)).toHaveLength(1);
  });

  it('allows an ordinary file', () => {
    expect(faultsOf('core/hash-ring.ts', '/** Role. */\nexport const ring = 1;\n')).toEqual([]);
  });
});
