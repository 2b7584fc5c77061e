/**
 * `npm run bench`: what this machine does with a cluster of real processes. By default writes and reads per
 * second at several numbers of clients, beside other systems with `--against`; `--sustained` for minutes of
 * load, `--growth` for how costs grow. Trust ratios and processor time: absolute rates move with the machine.
 */
import { Command } from 'commander';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describedMachine, describeMachine, isDataInMemory, isInstalled } from './comparison/machine.js';
import { secondsPerMeasurement, stepsOf } from './comparison/plan.js';
import { comparisonJson, comparisonPicture, comparisonTables } from './comparison/present.js';
import { compare } from './comparison/run.js';
import { growthPicture, growthText } from './growth/present.js';
import { grow } from './growth/run.js';
import type { Growth } from './growth/run.js';
import { writeSection } from './report/document.js';
import { judgeSustained, sustainedPicture, sustainedText } from './sustained/present.js';
import { sustain } from './sustained/run.js';
import { etcd } from './systems/etcd.js';
import { kvorum, kvorumOfThree } from './systems/kvorum.js';
import { redis } from './systems/redis.js';
import type { System } from './systems/system.js';

const known: readonly System[] = [kvorum, etcd, redis];
const others = known.filter(({ needs }) => needs !== null).map(({ name }) => name);

const program = new Command('npm run bench --')
  .description('Measures a cluster on this machine, alone or beside others.')
  .option('--against <list>', `other systems, each started alone on this machine: ${others.join(',')}`, '')
  .option('--minutes <n>', 'about how long the comparison may take', '25')
  .option('--rounds <n>', 'how often each system has its turn', '3')
  .option('--clients <list>', 'numbers of clients, in turn', '1,16,64,256')
  .option('--keys <n>', 'number of different keys (default: 20000, sustained 1000000)')
  .option('--idle-seconds <n>', 'how long each system is watched while nobody asks; 0 leaves it out', '20')
  .option('--sustained <time>', 'instead: random writes for this long, such as 10m')
  .option('--refill', 'with --sustained: half-way one worker is killed and loses its disk')
  .option('--growth', 'instead: planning, failover, start and memory at several sizes')
  .option('--rows <list>', 'with --growth: numbers of keys to start on', '10000,100000,1000000')
  .option('--json <file>', 'write all figures there')
  .option('--svg <file>', 'draw a picture there')
  .option('--document <file>', 'bring tables, picture and figures of this document up to date')
  .option('--port <n>', 'first port of the system under load', '17400')
  .parse();

interface Options {
  against: string;
  minutes: string;
  rounds: string;
  clients: string;
  keys?: string;
  idleSeconds: string;
  sustained?: string;
  refill?: boolean;
  growth?: boolean;
  rows: string;
  json?: string;
  svg?: string;
  document?: string;
  port: string;
}
const options = program.opts<Options>();
const numbers = (list: string) => list.split(',').map(Number);
const port = Number(options.port);
/**
 * A server runs for days, and its compiler and caches need most of a minute of load in each of several
 * processes: in its first ten seconds a write costs twice as much as after forty.
 */
const warmUpSeconds = 25;
const settleSeconds = 8;
const say = (line: string) => console.log(line);

const folder = mkdtempSync(path.join(tmpdir(), 'kvorum-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const systems = systemsAskedFor();
const machine = describeMachine(systems);
say(describedMachine(machine));
if (isDataInMemory()) say(`NOTE: ${tmpdir()} is in memory; syncs cost nothing there. Set TMPDIR.`);
if (machine.loadBefore > 1) say(`NOTE: this machine was busy (load ${machine.loadBefore}).`);

if (options.sustained !== undefined) await runSustained(secondsOf(options.sustained));
else if (options.growth === true) await runGrowth();
else await runComparison();
process.exit(0);

async function runComparison(): Promise<void> {
  const [clients, rounds, idleSeconds] = [
    numbers(options.clients),
    Number(options.rounds),
    Number(options.idleSeconds),
  ];
  const steps = systems.flatMap(({ doors }) => doors.flatMap((door) => stepsOf(door, clients))).length;
  const shape = { rounds, systems: systems.length, steps, idleSeconds };
  const seconds = secondsPerMeasurement(Number(options.minutes), shape);
  say(`${steps} measurements of ${seconds.toFixed(1)} s, ${rounds} times`);
  const keys = Number(options.keys ?? 20_000);
  const comparison = await compare({
    warmUpSeconds,
    settleSeconds,
    systems,
    clients,
    rounds,
    seconds,
    idleSeconds,
    folder,
    keys,
    port,
    say,
  });
  const name = systems.length === 1 ? 'alone' : 'against';
  keep(
    name,
    comparisonTables(comparison),
    comparisonJson(comparison, machine),
    comparisonPicture(comparison),
  );
}

async function runSustained(seconds: number): Promise<void> {
  const clients = options.clients.includes(',') ? 64 : Number(options.clients);
  const shape = { seconds, clients, keys: Number(options.keys ?? 1_000_000), valueBytes: 256 };
  if (!(shape.keys >= 10))
    program.error('--sustained takes ten keys or more: it times the tenths of filling');
  const refill = options.refill === true;
  say(`${clients} clients write ${shape.keys} keys at random for ${seconds} s`);
  const sustained = await sustain({ ...shape, refill, folder, port, say });
  const verdict = judgeSustained(sustained, seconds);
  keep(
    'sustained',
    sustainedText(sustained, seconds),
    json({ machine, ...shape, refill, verdict, ...sustained }),
    sustainedPicture(sustained),
  );
}

async function runGrowth(): Promise<void> {
  const sizes = { rows: numbers(options.rows), partitions: [64, 256, 1_024], workers: [4, 6, 8] };
  const measured = (growth: Growth) =>
    write('growth', growthText(growth), json({ machine, ...growth }), growthPicture(growth));
  say(`\n${growthText(await grow({ ...sizes, folder, port, say, measured }))}`);
}

function keep(name: string, text: string, figures: string, picture: string): void {
  say(`\n${text}`);
  write(name, text, figures, picture);
}

function write(name: string, text: string, figures: string, picture: string): void {
  if (options.json !== undefined) writeFileSync(options.json, figures);
  if (options.svg !== undefined) writeFileSync(options.svg, picture);
  if (options.document === undefined) return;
  const section = `${describedMachine(machine)}\n\n${text}`;
  writeSection(options.document, { name, text: section, picture, figures });
}

function json(figures: object): string {
  return `${JSON.stringify(figures, null, 1)}\n`;
}

function secondsOf(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  if (amount === undefined) program.error(`--sustained takes a time such as 90s or 10m, not ${text}`);
  return Number(amount) * (unit === 'h' ? 3_600 : unit === 'm' ? 60 : 1);
}

function systemsAskedFor(): System[] {
  const names = options.against.split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !others.includes(name));
  if (unknown.length > 0) program.error(`--against knows ${others.join(' and ')}, not ${unknown.join(', ')}`);
  const asked = known.filter(({ name, needs }) => needs === null || names.includes(name));
  for (const { needs } of asked) {
    if (needs === null || isInstalled(needs.program)) continue;
    program.error(`${needs.program} is not installed: on Debian, apt install ${needs.debianPackage}`);
  }
  // With four workers by default, it is also compared with as many servers as the others have.
  return asked.length === 1
    ? asked
    : asked.flatMap((one) => (one === kvorum ? [kvorum, kvorumOfThree] : [one]));
}
