// Every test: jest over the compiled tests, then the seeds of the simulation. Ends with "N passed, N failed".
//   npm test                      everything
//   npm test -- --seeds 200       another number of simulation seeds
//   npm test -- ring storage      only the jest tests whose path contains one of these words, and no
//   simulation
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { seeds: { type: 'string', default: '2000' } },
  allowPositionals: true,
});

const tests = await runJest(positionals);
const seeds = positionals.length === 0 ? await runSimulation(values.seeds) : { passed: 0, failed: 0 };
if (positionals.length > 0) console.log('Only some of the tests were asked for: no simulation.');
console.log(`tests: ${tests.passed} passed, ${tests.failed} failed`);
console.log(`simulation seeds: ${seeds.passed} passed, ${seeds.failed} failed`);
console.log(`${tests.passed + seeds.passed} passed, ${tests.failed + seeds.failed} failed`);
process.exitCode = tests.failed + seeds.failed === 0 && tests.passed + seeds.passed > 0 ? 0 : 1;

/** A suite that cannot even be loaded counts as a failed test, and so does a jest that leaves no results. */
async function runJest(words) {
  const folder = mkdtempSync(path.join(tmpdir(), 'kvorum-test-'));
  try {
    const results = path.join(folder, 'results.json');
    const program = path.join('node_modules', 'jest', 'bin', 'jest.js');
    const jestArguments = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', program];
    jestArguments.push('--forceExit', '--json', `--outputFile=${results}`, ...words);
    const { code } = await run(jestArguments, ['inherit', 'ignore', 'inherit']);
    const report = JSON.parse(readFileSync(results, 'utf8'));
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    return { passed: report.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
  } catch (error) {
    console.error(`jest left no results: ${error.message}`);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The simulation says itself how many seeds passed, in its last line. */
async function runSimulation(count) {
  const program = path.join('dist', 'test', 'simulation', 'main.js');
  const { code, output } = await run([program, '--seeds', count], ['inherit', 'pipe', 'inherit']);
  const closing = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  if (closing === undefined) {
    console.error(`the simulation ended with code ${code} and without a closing line`);
    return { passed: 0, failed: 1 };
  }
  const [passed, failed] = [Number(closing[1]), Number(closing[2])];
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

/** Passes the child's output on and keeps its end, where the closing line is. */
function run(nodeArguments, stdio) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, nodeArguments, { stdio });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      process.stdout.write(chunk);
      output = (output + chunk).slice(-10_000);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
