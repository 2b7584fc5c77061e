// Everything that can be said about the sources without running them; the types were checked by the build
// before.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { styleFaults } from './lint/style.mjs';

const root = path.resolve(import.meta.dirname, '..');

const steps = [
  ['lint', () => runTool('eslint/bin/eslint.js', ['.', '--max-warnings', '0'])],
  ['format', () => runTool('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.'])],
  ['style', checkStyle],
];

console.log('types: ok');
let failed = 0;
for (const [name, passes] of steps) {
  const ok = passes();
  console.log(`${name}: ${ok ? 'ok' : 'FAILED'}`);
  if (!ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;

function runTool(program, toolArguments) {
  const file = path.join(root, 'node_modules', program);
  return spawnSync(process.execPath, [file, ...toolArguments], { cwd: root, stdio: 'inherit' }).status === 0;
}

function checkStyle() {
  const faults = styleFaults(root);
  for (const fault of faults) console.error(fault);
  return faults.length === 0;
}
