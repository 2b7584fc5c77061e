/**
 * The comparison itself: in each round every system is started alone on an empty folder, warmed up, driven
 * through all its doors, checked by reading back, and stopped.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { measure, preload } from '../load/closed-loop.js';
import { Keyspace } from '../load/keyspace.js';
import { countFsyncs } from '../systems/fsync-count.js';
import { stepsOf, workloads } from './plan.js';
import type { Figures } from '../load/closed-loop.js';
import type { FsyncCount } from '../systems/fsync-count.js';
import type { Door, RunningSystem, System } from '../systems/system.js';

export interface ComparisonOptions {
  systems: readonly System[];
  clients: readonly number[];
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  /** For what warm-up and load leave to be done behind the replies: tables, checkpoints, old entries. */
  settleSeconds: number;
  idleSeconds: number;
  keys: number;
  /** For data; what is put there is removed. */
  folder: string;
  port: number;
  say: (line: string) => void;
}

/** One row: a door under a workload, one set of figures per round. */
export interface Row {
  door: string;
  workload: string;
  clients: number;
  rounds: Figures[];
}

export interface SystemFacts {
  name: string;
  promise: System['promise'];
  doors: { name: string; title: string }[];
  /** While nobody asks for anything: percent of one core, all processes together. */
  idleCpuPercent: number | null;
  residentMegabytes: number;
  fsyncs: FsyncCount | null;
  sampleCompared: number;
}

export interface Comparison {
  rows: Row[];
  systems: SystemFacts[];
}

const preloadClients = 64;
const sampleSize = 300;
const fsyncWrites = 200;

export async function compare(options: ComparisonOptions): Promise<Comparison> {
  const comparison: Comparison = { rows: [], systems: [] };
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const system of options.systems) {
      options.say(`round ${round} of ${options.rounds}: ${system.name}`);
      await new Round(system, options, comparison, round).run();
    }
  }
  return comparison;
}

class Round {
  private readonly keyspaces = new Map<number, Keyspace>();

  constructor(
    private readonly system: System,
    private readonly options: ComparisonOptions,
    private readonly comparison: Comparison,
    private readonly round: number,
  ) {}

  async run(): Promise<void> {
    const folder = path.join(this.options.folder, `${this.system.name}-${this.round}`);
    mkdirSync(folder);
    let running: RunningSystem | null = null;
    try {
      running = await this.system.start(path.join(folder, 'data'), this.options.port);
      await this.drive(running);
    } finally {
      await running?.processes.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  private async drive(running: RunningSystem): Promise<void> {
    const [first] = running.doors;
    if (first === undefined) throw new Error(`${this.system.name} has no doors`);
    await this.warmUp(running, first);
    for (const door of running.doors) {
      for (const { workload, clients } of stepsOf(door.name, this.options.clients)) {
        const { readShare, valueBytes } = workload;
        const load = { readShare, clients, seconds: this.options.seconds };
        const figures = await measure(running.processes, door, this.keyspace(valueBytes), load);
        this.rowOf(door.name, workload.name, clients).rounds.push(figures);
        this.options.say(lineOf(door, workload.name, clients, figures));
      }
    }
    await this.closing(running, first);
  }

  /** Every key that will be read is written, then the programs have time to become fast. */
  private async warmUp({ processes, doors }: RunningSystem, first: Door): Promise<void> {
    const read = workloads.filter(({ readShare }) => readShare > 0).map(({ valueBytes }) => valueBytes);
    for (const valueBytes of read) await preload(first, this.keyspace(valueBytes), preloadClients);
    for (const door of doors) {
      // The first door warms the programs, the others only what is theirs.
      const seconds = this.options.warmUpSeconds / (door === first ? 1 : 5);
      const load = { readShare: 0.5, clients: preloadClients, seconds };
      await measure(processes, door, this.keyspace(256), load);
    }
    await this.settle();
  }

  private async closing(running: RunningSystem, first: Door): Promise<void> {
    // Through another connection than the one that wrote, and where it matters another member.
    const connection = await first.connect(1);
    let sampleCompared = 0;
    for (const keyspace of this.keyspaces.values()) {
      sampleCompared += await keyspace.checkSample(connection, sampleSize);
    }
    const residentMegabytes = running.processes.residentBytes() / 1_000_000;
    const facts = this.comparison.systems.find(({ name }) => name === this.system.name);
    if (facts !== undefined) {
      facts.sampleCompared += sampleCompared;
      facts.residentMegabytes = Math.max(facts.residentMegabytes, residentMegabytes);
      return;
    }
    const { name, promise } = this.system;
    const doors = running.doors.map((door) => ({ name: door.name, title: door.title }));
    const idleCpuPercent = await this.idleCpuPercent(running);
    const keyspace = this.keyspace(256);
    const value = keyspace.newValue();
    const fsyncs = await countFsyncs(running.processes, fsyncWrites, (index) =>
      keyspace.write(connection, index % keyspace.keys, value),
    );
    this.comparison.systems.push({
      name,
      promise,
      doors,
      idleCpuPercent,
      residentMegabytes,
      fsyncs,
      sampleCompared,
    });
  }

  /** After the load, when nothing of it is left to be done. */
  private async idleCpuPercent({ processes }: RunningSystem): Promise<number | null> {
    const { idleSeconds, say } = this.options;
    if (idleSeconds === 0) return null;
    await this.settle();
    const before = processes.cpuMicros();
    const startedAt = performance.now();
    await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1_000));
    const percent = (processes.cpuMicros() - before) / (performance.now() - startedAt) / 10;
    say(`  ${this.system.name}, idle: ${percent.toFixed(1)} % of a core`);
    return percent;
  }

  private settle(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.options.settleSeconds * 1_000));
  }

  private keyspace(valueBytes: number): Keyspace {
    const known = this.keyspaces.get(valueBytes);
    if (known !== undefined) return known;
    const made = new Keyspace(this.options.keys, valueBytes);
    this.keyspaces.set(valueBytes, made);
    return made;
  }

  private rowOf(door: string, workload: string, clients: number): Row {
    const { rows } = this.comparison;
    const isIt = (row: Row) => row.door === door && row.workload === workload && row.clients === clients;
    const known = rows.find(isIt);
    if (known !== undefined) return known;
    if (this.round > 1) throw new Error(`${door} ${workload} was not measured in the first round`);
    const made: Row = { door, workload, clients, rounds: [] };
    rows.push(made);
    return made;
  }
}

function lineOf(door: Door, workload: string, clients: number, figures: Figures): string {
  const { perSecond, p50Millis, p99Millis, serverCpuMicros, failed, firstFailure } = figures;
  const failures = failed === 0 ? '' : `  ${failed} FAILED: ${firstFailure ?? ''}`;
  return [
    `  ${door.name.padEnd(15)} ${workload.padEnd(11)} ${String(clients).padStart(4)} clients`,
    `${perSecond.toFixed(0).padStart(7)}/s`,
    `p50 ${p50Millis.toFixed(2)} ms, p99 ${p99Millis.toFixed(2)} ms, ${serverCpuMicros.toFixed(0)} µs/op${failures}`,
  ].join('  ');
}
