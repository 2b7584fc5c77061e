/**
 * `npm run bench`: writes and reads per second at several numbers of clients, with latencies and the servers'
 * processor time per operation, of a cluster of real processes on this machine; beside other systems with
 * `--against`. Trust ratios and processor time: absolute rates move with the machine.
 */
import { Command } from 'commander';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeMachine, isDataInMemory, isInstalled } from './comparison/machine.js';
import { secondsPerMeasurement, stepsOf } from './comparison/plan.js';
import { comparisonJson, comparisonPicture, comparisonTables } from './comparison/present.js';
import { compare } from './comparison/run.js';
import { etcd } from './systems/etcd.js';
import { kvorum } from './systems/kvorum.js';
import { redis } from './systems/redis.js';
import type { System } from './systems/system.js';

const known: readonly System[] = [kvorum, etcd, redis];
const others = known.filter(({ needs }) => needs !== null).map(({ name }) => name);

const program = new Command('npm run bench --')
  .description('Measures writes and reads per second of a cluster on this machine, alone or beside others.')
  .option('--against <list>', `other systems, each started alone on this machine: ${others.join(',')}`, '')
  .option('--minutes <n>', 'about how long the whole may take', '9')
  .option('--rounds <n>', 'how often each system has its turn', '3')
  .option('--clients <list>', 'numbers of clients, in turn', '1,16,64,256')
  .option('--keys <n>', 'number of different keys', '20000')
  .option('--idle-seconds <n>', 'how long each system is watched while nobody asks; 0 leaves it out', '20')
  .option('--json <file>', 'write all figures there')
  .option('--svg <file>', 'draw a picture there')
  .option('--port <n>', 'first port of the system under load', '17400')
  .parse();

interface Options {
  against: string;
  minutes: string;
  rounds: string;
  clients: string;
  keys: string;
  idleSeconds: string;
  json?: string;
  svg?: string;
  port: string;
}
const options = program.opts<Options>();

function systemsAskedFor(): System[] {
  const names = options.against.split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !others.includes(name));
  if (unknown.length > 0) program.error(`--against knows ${others.join(' and ')}, not ${unknown.join(', ')}`);
  const systems = known.filter(({ name, needs }) => needs === null || names.includes(name));
  for (const { needs } of systems) {
    if (needs === null || isInstalled(needs.program)) continue;
    program.error(`${needs.program} is not installed: on Debian, apt install ${needs.debianPackage}`);
  }
  return systems;
}

const systems = systemsAskedFor();
const clients = options.clients.split(',').map(Number);
const rounds = Number(options.rounds);
const idleSeconds = Number(options.idleSeconds);
const steps = systems.flatMap(({ doors }) => doors.flatMap((door) => stepsOf(door, clients))).length;
const shape = { rounds, systems: systems.length, steps, idleSeconds };
const seconds = secondsPerMeasurement(Number(options.minutes), shape);

const folder = mkdtempSync(path.join(tmpdir(), 'kvorum-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const machine = describeMachine(systems);
console.log(`${machine.cores} cores, ${machine.processor}, kernel ${machine.kernel}, Node ${machine.node}`);
if (isDataInMemory()) console.log(`NOTE: ${tmpdir()} is in memory; syncs cost nothing there. Set TMPDIR.`);
if (machine.loadBefore > 1) console.log(`NOTE: this machine was busy (load ${machine.loadBefore}).`);
console.log(`${steps} measurements of ${seconds.toFixed(1)} s, ${rounds} times`);

const comparison = await compare({
  ...{ systems, clients, rounds, seconds, idleSeconds, folder },
  keys: Number(options.keys),
  port: Number(options.port),
  say: (line) => console.log(line),
});
console.log(`\n${comparisonTables(comparison)}`);
if (options.json !== undefined) writeFileSync(options.json, comparisonJson(comparison, machine));
if (options.svg !== undefined) writeFileSync(options.svg, comparisonPicture(comparison));
process.exit(0);
