// Installs the packages of the lock file, and makes sure that the SQLite binding loads and is recent enough.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { headersPrefix, withSoundHeaders } from './headers.mjs';
import { runQuietly } from './run-quietly.mjs';

/** Older ones can corrupt a write-ahead log when it is reset. */
const sqliteVersionMin = [3, 51, 3];

/** Throws an Error whose message says what is missing and what to do. */
export async function installIfMissing(root) {
  if (!packagesAreCurrent(root)) await install(root);
  if (sqliteFault(root) !== undefined) await rebuildBinding(root);
}

/** Compares what the lock file asks for with the record that npm keeps of what it installed. */
function packagesAreCurrent(root) {
  const installed = readPackages(path.join(root, 'node_modules', '.package-lock.json'));
  const wanted = readPackages(path.join(root, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(([location, entry]) => {
    if (location === '') return true;
    const found = installed[location];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

function readPackages(file) {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

async function install(root) {
  const title = 'Installing packages (SQLite may be compiled, which takes a few minutes)';
  const { code, output } = await runNpm(root, title, ['ci', '--no-audit', '--no-fund']);
  if (code !== 0) throw new Error(`npm ci failed.\n${output}${missingTools()}`);
}

async function rebuildBinding(root) {
  const title = 'Compiling the SQLite binding for this Node.js (a few minutes)';
  const { code, output } = await runNpm(root, title, ['rebuild', 'better-sqlite3']);
  const fault = sqliteFault(root);
  if (code !== 0 || fault !== undefined) {
    throw new Error(
      `the SQLite binding (better-sqlite3) cannot be used: ${fault}\n${output}${missingTools()}`,
    );
  }
}

/** Why the binding cannot be used; undefined if it can. */
function sqliteFault(root) {
  try {
    const Database = createRequire(path.join(root, 'package.json'))('better-sqlite3');
    const database = new Database(':memory:');
    const version = database.prepare('SELECT sqlite_version()').pluck().get();
    database.close();
    if (isAtLeast(version.split('.').map(Number), sqliteVersionMin)) return undefined;
    return `its SQLite is ${version}, at least ${sqliteVersionMin.join('.')} is needed`;
  } catch (error) {
    return error.message;
  }
}

function isAtLeast(version, minimum) {
  const index = minimum.findIndex((part, position) => version[position] !== part);
  return index === -1 || version[index] > minimum[index];
}

/**
 * Runs npm so that node-gyp uses the headers that were installed with Node.js, where there are any, which
 * also spares a download.
 */
function runNpm(root, title, npmArguments) {
  const chosen = process.env.npm_config_nodedir ?? headersPrefix();
  return withSoundHeaders(chosen, (prefix) => {
    const env = { ...process.env };
    if (prefix !== undefined) env.npm_config_nodedir = prefix;
    return runQuietly(title, 'npm', npmArguments, { cwd: root, env });
  });
}

/** What compiling needs and this machine lacks, in words for the person at the terminal. */
function missingTools() {
  const works = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
  const missing = [];
  if (!works('python3')) missing.push('python3');
  if (!works('make')) missing.push('make');
  if (!works('c++') && !works('g++') && !works('clang++')) missing.push('a C++ compiler (g++ or clang++)');
  if (headersPrefix() === undefined) {
    missing.push(
      "Node.js's headers, or a network from which node-gyp can fetch them (npm_config_nodedir names them)",
    );
  }
  if (missing.length === 0) return '';
  return (
    '\nWhere no ready-made SQLite binding can be downloaded it is compiled.' +
    `\nThis machine lacks: ${missing.join(', ')}.` +
    '\nOn Debian and Ubuntu: apt-get install build-essential python3'
  );
}
