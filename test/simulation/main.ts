/**
 * The simulation's command line. `--seeds N` runs many seeds and counts them, `--seed S` replays one,
 * `--traps` breaks the rules of the protocol one at a time and tells how many seeds it took to notice.
 */
import { Command, InvalidArgumentError } from 'commander';
import { ruleTexts } from '../../core/rules.js';
import type { RuleName } from '../../core/rules.js';
import { runBatch } from './batch.js';
import { Coverage, branches, coverageSeedsMin, faults } from './coverage.js';
import { recipeFor } from './recipes.js';
import { runSeed } from './run.js';
import type { SeedResult } from './run.js';
import { huntTraps, secondLines, trapSeedsMax } from './traps.js';

interface Options {
  seeds: number;
  from: number;
  seed?: number;
  trace: boolean;
  traps: boolean;
  rule?: string;
  hold: boolean;
  workers: number;
  keepGoing: boolean;
}

const progressEveryMs = 2_000;
const failuresShownMax = 10;

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('not a whole number');
  return value;
}

function ruleNamed(name: string): RuleName {
  if (!(name in ruleTexts))
    throw new InvalidArgumentError(`unknown rule; known: ${Object.keys(ruleTexts).join(' ')}`);
  return name as RuleName;
}

function seconds(ms: number): string {
  const whole = Math.round(ms / 1_000);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function replay(seed: number, options: Options): boolean {
  const rule = options.rule === undefined ? undefined : ruleNamed(options.rule);
  const trace = options.trace ? (line: string) => console.log(line) : undefined;
  const adapt = rule === undefined ? undefined : recipeFor(rule);
  const result = runSeed({ seed, rule: options.hold ? undefined : rule, adapt, trace });
  console.log(`seed ${seed}: ${result.events} events, ${result.calls} calls, event hash ${result.digest}`);
  if (result.failure !== null) console.log(`FAILED ${result.failure.found}: ${result.failure.reason}`);
  return result.failure === null;
}

class Progress {
  private readonly startedAt = Date.now();
  private shownAt = Date.now();
  passed = 0;
  failed = 0;

  constructor(private readonly total: number) {}

  step(): void {
    const now = Date.now();
    if (now - this.shownAt < progressEveryMs) return;
    this.shownAt = now;
    const count = this.passed + this.failed;
    const rate = (count * 1_000) / (now - this.startedAt);
    const left = seconds(((this.total - count) * 1_000) / rate);
    console.error(
      `${count} of ${this.total} seeds, ${this.failed} failed, ${rate.toFixed(1)} seeds/s, ${left} left`,
    );
  }

  elapsed(): string {
    return seconds(Date.now() - this.startedAt);
  }
}

async function runMany(options: Options): Promise<boolean> {
  const { seeds, from, workers } = options;
  const progress = new Progress(seeds);
  const coverage = new Coverage();
  let nextSeed = from;
  let events = 0;
  let calls = 0;
  await runBatch(
    workers,
    () => (nextSeed >= from + seeds ? null : { seed: nextSeed++, recipe: null, broken: false }),
    (_job, result) => {
      coverage.add(result.coverage);
      events += result.events;
      calls += result.calls;
      if (result.failure === null) progress.passed += 1;
      else progress.failed += 1;
      if (result.failure !== null && progress.failed <= failuresShownMax) tellFailure(result);
      progress.step();
      return !options.keepGoing && progress.failed >= failuresShownMax;
    },
  );
  const expected = [...faults, ...branches];
  const missing = seeds >= coverageSeedsMin ? coverage.missing(expected) : [];
  console.log(`What was hit:\n${coverage.table(expected)}`);
  if (missing.length > 0) console.log(`FAILED coverage: never hit: ${missing.join(', ')}`);
  console.log(`${events} events, ${calls} calls, ${progress.elapsed()}`);
  console.log(`${progress.passed} passed, ${progress.failed} failed`);
  return progress.failed === 0 && missing.length === 0;
}

function tellFailure({ seed, failure }: SeedResult): void {
  console.log(`seed ${seed} FAILED ${failure?.found ?? ''}: ${failure?.reason ?? ''}`);
  console.log(`  replay: npm run simulate -- --seed ${seed} --trace`);
}

async function runTraps(options: Options): Promise<boolean> {
  const all = (Object.keys(ruleTexts) as RuleName[]).filter((rule) => secondLines[rule] === undefined);
  const rules = options.rule === undefined ? all : [ruleNamed(options.rule)];
  const width = Math.max(...rules.map((rule) => rule.length));
  console.log(`${'trap'.padEnd(width)}  seeds  found by`);
  const outcomes = await huntTraps(rules, options.workers, trapSeedsMax, (outcome) => {
    const { rule, seedsNeeded, found, reason, innocent } = outcome;
    const [firstLine = ''] = reason.split('\n');
    const seeds = seedsNeeded === null ? 'none' : String(seedsNeeded);
    const note = innocent.length > 0 ? `  (failed with the rule in force: ${innocent.join()})` : '';
    console.log(`${rule.padEnd(width)}  ${seeds.padStart(5)}  ${found}: ${firstLine.slice(0, 110)}${note}`);
  });
  if (options.rule === undefined) {
    for (const [rule, reason] of Object.entries(secondLines))
      console.log(`${rule.padEnd(width)}      -  ${reason}`);
  }
  const found = outcomes.filter(({ seedsNeeded }) => seedsNeeded !== null).length;
  const clean = outcomes.every(({ innocent }) => innocent.length === 0);
  console.log(`${found} passed, ${outcomes.length - found} failed`);
  return found === outcomes.length && clean;
}

const program = new Command('simulate')
  .description('Runs the whole cluster under simulated clocks, network, disks and faults, from seeds.')
  .option('--seeds <count>', 'how many seeds to run', wholeNumber, 200)
  .option('--from <seed>', 'the first of them', wholeNumber, 1)
  .option('--seed <seed>', 'replays one seed and prints its event hash', wholeNumber)
  .option('--trace', 'prints what happens in the replay', false)
  .option('--traps', 'breaks one rule at a time until a seed notices', false)
  .option('--rule <name>', 'only this rule; with --seed: its recipe, with the rule broken')
  .option('--hold', 'with --seed and --rule: the recipe alone, the rule in force', false)
  .option('--workers <count>', 'threads', wholeNumber, 1)
  .option('--keep-going', `goes on after ${failuresShownMax} failures`, false);

program.parse();
const options = program.opts<Options>();
let fine: boolean;
if (options.seed !== undefined) fine = replay(options.seed, options);
else if (options.traps) fine = await runTraps(options);
else fine = await runMany(options);
process.exitCode = fine ? 0 : 1;
