/** What a comparison measures, and how long it may take. Decides, measures nothing. */
import type { Workload } from '../load/closed-loop.js';

export interface PlannedWorkload extends Workload {
  title: string;
  /** null: at all numbers of clients that were asked for; else at these of them alone. */
  onlyAt: readonly number[] | null;
}

export const workloads: readonly PlannedWorkload[] = [
  { name: 'put-256', title: 'PUT, 256-byte values', valueBytes: 256, readShare: 0, onlyAt: null },
  { name: 'get-256', title: 'GET, 256-byte values', valueBytes: 256, readShare: 1, onlyAt: null },
  { name: 'put-4096', title: 'PUT, 4-KiB values', valueBytes: 4_096, readShare: 0, onlyAt: [64, 256] },
  {
    name: 'mixed-1024',
    title: '80 % GET, 20 % PUT, 1-KiB values',
    valueBytes: 1_024,
    readShare: 0.8,
    onlyAt: [64, 256],
  },
];

/** Doors that are there for one question need not answer all of them. */
const doorsLimited: Readonly<Record<string, { workloads: string[]; onlyAt: readonly number[] }>> = {
  'kvorum-primary': { workloads: ['put-256', 'get-256'], onlyAt: [1, 64, 256] },
  'kvorum-3': { workloads: ['put-256', 'get-256'], onlyAt: [1, 64, 256] },
  'kvorum-3-primary': { workloads: ['put-256'], onlyAt: [64] },
  'etcd-any': { workloads: ['put-256', 'get-256'], onlyAt: [1, 64, 256] },
  'etcd-json': { workloads: ['put-256', 'get-256'], onlyAt: [64, 256] },
  'etcd-json-any': { workloads: ['put-256'], onlyAt: [64] },
};

export interface Step {
  workload: PlannedWorkload;
  clients: number;
}

/** The measurements of one door in one round, in order. */
export function stepsOf(door: string, clients: readonly number[]): Step[] {
  const limited = doorsLimited[door];
  return workloads
    .filter(({ name }) => limited?.workloads.includes(name) ?? true)
    .flatMap((workload) =>
      clients
        .filter((count) => workload.onlyAt?.includes(count) ?? true)
        .filter((count) => limited?.onlyAt.includes(count) ?? true)
        .map((count) => ({ workload, clients: count })),
    );
}

/** What passes beside the measurements themselves. */
const secondsPerStart = 54;
const secondsPerStep = 0.4;

/** How long each measurement may last so that the whole takes about `minutes`; at least half a second. */
export function secondsPerMeasurement(
  minutes: number,
  shape: { rounds: number; systems: number; steps: number; idleSeconds: number },
): number {
  const { rounds, systems, steps, idleSeconds } = shape;
  const beside = systems * (rounds * secondsPerStart + idleSeconds + 6) + rounds * steps * secondsPerStep;
  return Math.max(0.5, (minutes * 60 - beside) / (rounds * steps));
}
