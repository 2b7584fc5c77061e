/** Compiling the SQLite binding against headers of Node.js that would make it abort. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

interface Headers {
  withSoundHeaders: <T>(
    prefix: string | undefined,
    compile: (prefix: string | undefined) => T | Promise<T>,
  ) => Promise<T>;
}

const file = new URL('../../../../scripts/bootstrap/headers.mjs', import.meta.url).href;
const { withSoundHeaders } = (await import(file)) as Headers;
const wrapFile = path.join('include', 'node', 'node_object_wrap.h');
const before = 'class ObjectWrap {\n  ObjectWrap() {\n    refs_ = 0;\n  }\n  void Wrap() {}\n};\n';
const since = before.replace('    refs_ = 0;\n', '    refs_ = 0;\n    AddCleanupHook();\n');

describe('headers that a binding is compiled against', () => {
  let prefix: string;
  beforeEach(() => {
    prefix = mkdtempSync(path.join(tmpdir(), 'kvorum-prefix-'));
    mkdirSync(path.dirname(path.join(prefix, wrapFile)), { recursive: true });
  });
  afterEach(() => rmSync(prefix, { recursive: true }));

  it('are used as they are where they are sound, and where there are none', async () => {
    writeFileSync(path.join(prefix, wrapFile), before);
    expect(await withSoundHeaders(prefix, (used) => used)).toBe(prefix);
    expect(await withSoundHeaders(undefined, (used) => used)).toBeUndefined();
  });

  it('lack the calls that would abort the process: in a copy that goes away', async () => {
    writeFileSync(path.join(prefix, wrapFile), since);
    const used = await withSoundHeaders(prefix, (copy) => {
      expect(readFileSync(path.join(copy ?? '', wrapFile), 'utf8')).toBe(before);
      return copy ?? '';
    });
    expect(used).not.toBe(prefix);
    expect(existsSync(used)).toBe(false);
    expect(readFileSync(path.join(prefix, wrapFile), 'utf8')).toBe(since);
  });
});
