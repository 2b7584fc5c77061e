/**
 * npm run test:cluster [-- options] [scenario …]: installs the chart into the cluster that KUBECONFIG names,
 * does harm to it under load, judges what the clients saw, and prints a table. Ends with "N passed, N
 * failed".
 */
import { parseArgs } from 'node:util';
import { canInflict, faultDescriptions, run } from './commands.js';
import type { Fault } from './commands.js';
import { Kubernetes } from './kubernetes.js';
import { scenarios } from './scenarios/catalogue.js';
import type { Scenario } from './scenarios/catalogue.js';
import { withOperatorsKilled } from './scenarios/operator-loss.js';
import { tableText } from './table.js';
import { Trial } from './trial.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    image: { type: 'string', default: process.env.KVORUM_IMAGE ?? 'kvorum:dev' },
    'next-image': { type: 'string', default: process.env.KVORUM_NEXT_IMAGE ?? '' },
    namespace: { type: 'string', default: 'kvorum-test' },
    release: { type: 'string', default: 'kv' },
    set: { type: 'string', multiple: true, default: [] },
    'kill-operator': { type: 'boolean', default: false },
    histories: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const say = (line: string) => void process.stdout.write(`${line}\n`);
process.exitCode = options.help ? help() : await main();

function help(): number {
  say(`npm run test:cluster [-- options] [scenario …]

  --image NAME:TAG        image under test, there on every node (KVORUM_IMAGE; default kvorum:dev)
  --next-image NAME:TAG   image that an upgrade goes to (KVORUM_NEXT_IMAGE; without it no upgrade is tried)
  --namespace NAME        is made for the run and removed after it (default kvorum-test)
  --release NAME          default kv
  --set KEY=VALUE         further values of the chart, as for helm
  --kill-operator         kill operators at random moments during the scenarios where that is of interest
  --histories FOLDER      keep every call of the clients there, one file a scenario
  --keep                  leave the installation there at the end

Scenarios: ${scenarios.map(({ name }) => name).join(', ')}

Harm that no API offers is done by commands from the environment. What lacks its own is left out:`);
  for (const [fault, description] of Object.entries(faultDescriptions))
    say(`  KVORUM_${fault.padEnd(12)} ${description}`);
  return 0;
}

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown.length > 0) {
    say(`no such scenario: ${unknown.join(', ')}; there are ${scenarios.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const kubernetes = new Kubernetes(options.namespace, options.release);
  const values = options.set.flatMap((value) => ['--set', value]);
  const installation = {
    image: options.image,
    nextImage: options['next-image'],
    chart: 'charts/kvorum',
    values,
    histories: options.histories,
  };
  const trial = new Trial(kubernetes, installation, say);
  const leftOut: string[] = [];
  const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  for (const scenario of chosen) {
    const missing = missingFor(scenario);
    if (missing.length > 0) leftOut.push(`${scenario.name} (needs ${missing.join(', ')})`);
    else if (options['kill-operator'] && scenario.isRepeated === true)
      await withOperatorsKilled(trial, scenario.run);
    else await scenario.run(trial);
  }
  if (!options.keep) await removeNamespace();
  say(`\n${tableText(trial.rows)}\n`);
  for (const scenario of leftOut) say(`left out: ${scenario}`);
  const failed = trial.rows.filter(({ problems }) => problems.length > 0).length;
  say(`${trial.rows.length - failed} passed, ${failed} failed`);
  return failed === 0 && trial.rows.length > 0 ? 0 : 1;
}

function missingFor({ name, needs }: Scenario): string[] {
  const missing = needs.filter((fault: Fault) => !canInflict(fault)).map((fault) => `KVORUM_${fault}`);
  if (['upgrade', 'rollback', 'operators-killed'].includes(name) && options['next-image'] === '')
    missing.push('KVORUM_NEXT_IMAGE');
  return missing;
}

async function removeNamespace(): Promise<void> {
  await run('kubectl', [
    'delete',
    'namespace',
    options.namespace,
    '--ignore-not-found',
    '--timeout=120s',
  ]).catch((error: unknown) => say(`the namespace could not be removed: ${String(error)}`));
}
