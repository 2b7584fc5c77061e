// The headers of Node.js that a binding is compiled against.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const wrapFile = path.join('include', 'node', 'node_object_wrap.h');
const hookCall = /^ +(Add|Remove)CleanupHook\(\);\n/gm;

/** Where the headers of this very Node.js are installed; undefined if they are not. */
export function headersPrefix() {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const file = path.join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
  const version = [part('MAJOR'), part('MINOR'), part('PATCH')].join('.');
  return version === process.versions.node ? prefix : undefined;
}

/**
 * Runs `compile` with the folder whose headers it is to use, undefined for those that node-gyp fetches.
 *
 * Since 24.19 the headers let each wrapped object register with the environment, and unregister in a
 * destructor that the garbage collector also runs where there is no environment: the process would be
 * aborted. Objects of the SQLite binding need no such registration, so it is compiled without, against a copy
 * of the headers that lacks the two calls.
 */
export async function withSoundHeaders(prefix, compile) {
  const file = prefix === undefined ? undefined : path.join(prefix, wrapFile);
  const text = file !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : '';
  const sound = text.replaceAll(hookCall, '');
  if (sound === text) return compile(prefix);
  const copy = mkdtempSync(path.join(tmpdir(), 'kvorum-headers-'));
  try {
    const headers = path.join('include', 'node');
    cpSync(path.join(prefix, headers), path.join(copy, headers), { recursive: true });
    writeFileSync(path.join(copy, wrapFile), sound);
    return await compile(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
