// Compiles to dist/ when a source is newer than the last build that succeeded.
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runQuietly } from './run-quietly.mjs';

const skippedFolders = new Set(['node_modules', 'dist', 'coverage', 'docs', 'scripts', 'kvorum-data']);

/** Throws an Error that carries the compiler's output. */
export async function buildIfStale(root) {
  const stamp = path.join(root, 'dist', '.built');
  const builtAt = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  if (newestChange(root) <= builtAt) return;
  const startedAt = new Date();
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const commandArguments = [compiler, '--build', '--pretty', 'false'];
  const { code, output } = await runQuietly('Building', process.execPath, commandArguments, { cwd: root });
  if (code !== 0) throw new Error(`the build failed.\n${output}`);
  removeOrphans(root, path.join(root, 'dist'));
  writeFileSync(stamp, `${startedAt.toISOString()}\n`);
}

/** The folders' own times count too, since they tell of files that were removed or renamed. */
function newestChange(folder) {
  let newest = statSync(folder).mtimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory() && !skippedFolders.has(entry.name) && !entry.name.startsWith('.')) {
      newest = Math.max(newest, newestChange(name));
    } else if (entry.isFile() && isInput(entry.name)) {
      newest = Math.max(newest, statSync(name).mtimeMs);
    }
  }
  return newest;
}

function isInput(name) {
  return name.endsWith('.ts') || name.startsWith('tsconfig') || name === 'package-lock.json';
}

/**
 * The compiler leaves the output of a source that is gone; as a test, or by a forgotten import, it would live
 * on.
 */
function removeOrphans(root, folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      removeOrphans(root, name);
      continue;
    }
    const compiled = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(path.relative(path.join(root, 'dist'), name));
    if (compiled !== null && !existsSync(path.join(root, `${compiled[1]}.ts`))) rmSync(name);
  }
}
