/** What the figures were measured on: they mean little without it. */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { statfsSync } from 'node:fs';
import type { System } from '../systems/system.js';

export interface Machine {
  measuredAt: string;
  cores: number;
  processor: string;
  memoryGigabytes: number;
  kernel: string;
  node: string;
  /** What others were doing when it began: above 1 or so, measure again later. */
  loadBefore: number;
  versions: Record<string, string>;
}

const tmpfsMagic = 0x01021994;

export function describeMachine(systems: readonly System[]): Machine {
  const processors = cpus();
  const foreign = systems.flatMap(({ needs }) => (needs === null ? [] : [needs.program]));
  return {
    measuredAt: new Date().toISOString().slice(0, 16),
    cores: processors.length,
    processor: processors[0]?.model ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(1)),
    versions: Object.fromEntries(foreign.map((program) => [program, versionOf(program)])),
  };
}

/** In one line. */
export function describedMachine(machine: Machine): string {
  const { measuredAt, cores, processor, memoryGigabytes, kernel, node, loadBefore, versions } = machine;
  const others = Object.values(versions).map((version) => `, ${version}`);
  const hardware = `${cores} cores (${processor}), ${memoryGigabytes} GB, Linux ${kernel}, Node ${node}`;
  return `${measuredAt.replace('T', ' ')} UTC: ${hardware}${others.join('')}; load before ${loadBefore}.`;
}

/** A disk in memory syncs for nothing, and the comparison would be about something else. */
export function isDataInMemory(): boolean {
  return statfsSync(tmpdir()).type === tmpfsMagic;
}

export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function versionOf(program: string): string {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  // "etcd Version: 3.4.23", "Redis server v=7.0.15 sha=…"
  const [, version] = /(\d+\.\d+\.\d+)/.exec(stdout) ?? [];
  return `${program} ${version ?? 'of an unknown version'}`;
}
