// Brings a clone to the point where it can run, then runs what it was asked to:
//   node scripts/bootstrap.mjs [program.js [arguments]]
// Installs packages when they are missing or differ from the lock file, builds when a source is newer than
// the last build, and does neither when there is nothing to do. Uses nothing but Node itself: at this point
// nothing else is there.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildIfStale } from './bootstrap/build.mjs';
import { installIfMissing } from './bootstrap/install.mjs';

const root = path.resolve(import.meta.dirname, '..');
process.chdir(root);

const [target, ...targetArguments] = process.argv.slice(2);
try {
  requireNode();
  await installIfMissing(root);
  await buildIfStale(root);
} catch (error) {
  console.error(`kvorum: ${error.message}`);
  process.exit(1);
}

// In this very process, so that signals, the exit code and the terminal are the program's own.
if (target !== undefined) {
  const file = path.resolve(root, target);
  process.argv = [process.execPath, file, ...targetArguments];
  await import(pathToFileURL(file).href);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Error(`Node.js 20.19 or newer is needed, this is ${process.versions.node}`);
}
