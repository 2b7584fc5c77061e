/**
 * What the comparison is held to: ratios to another system in the same run, and what an idle cluster may
 * cost.
 */
import { ratioOf } from '../report/statistics.js';
import type { Figures } from '../load/closed-loop.js';
import type { Spread } from '../report/statistics.js';
import type { Comparison } from './run.js';

type Measure = 'perSecond' | 'p50Millis' | 'p99Millis';

interface RatioTarget {
  what: string;
  against: string;
  workload: string;
  /** Each of them has to meet the target. */
  clients: readonly number[];
  measure: Measure;
  mustHold: number;
  aim: number;
}

export const ratioTargets: readonly RatioTarget[] = [
  {
    ...{ what: 'durable PUT/s, 64 clients', against: 'etcd', workload: 'put-256', clients: [64] },
    ...{ measure: 'perSecond', mustHold: 1.5, aim: 2.5 },
  },
  {
    ...{ what: 'durable PUT/s, 256 clients', against: 'etcd', workload: 'put-256', clients: [256] },
    ...{ measure: 'perSecond', mustHold: 1.8, aim: 3 },
  },
  {
    ...{
      what: 'linearizable GET/s, 64 to 256 clients',
      against: 'etcd',
      workload: 'get-256',
      clients: [64, 256],
    },
    ...{ measure: 'perSecond', mustHold: 3.5, aim: 6 },
  },
  {
    ...{
      what: 'PUT/s, REST against REST, 64 clients',
      against: 'etcd-json',
      workload: 'put-256',
      clients: [64],
    },
    ...{ measure: 'perSecond', mustHold: 3, aim: 5 },
  },
  {
    ...{ what: 'PUT/s against Redis, 64 clients', against: 'redis', workload: 'put-256', clients: [64] },
    ...{ measure: 'perSecond', mustHold: 0.6, aim: 0.9 },
  },
  {
    ...{ what: 'p50 of one client’s PUT', against: 'etcd', workload: 'put-256', clients: [1] },
    ...{ measure: 'p50Millis', mustHold: 0.8, aim: 0.65 },
  },
  {
    ...{ what: 'p99 of PUT, 64 clients', against: 'etcd', workload: 'put-256', clients: [64] },
    ...{ measure: 'p99Millis', mustHold: 1, aim: 0.5 },
  },
];

export const idleTarget = { mustHold: 5, aim: 2 };

export type Verdict = 'aim met' | 'holds' | 'MISSED';

export interface Judged {
  what: string;
  against: string | null;
  /** A ratio, or percent of a core. */
  unit: '×' | '%';
  found: Spread;
  /** The same for clients that send each request to its key's primary; null if that was not measured. */
  foundAtPrimary: Spread | null;
  /** Of the found value and the bounds: more is better. */
  moreIsBetter: boolean;
  mustHold: number;
  aim: number;
  verdict: Verdict;
}

/** Targets whose systems were not measured are left out. The verdict is on clients that know nothing. */
export function judge(comparison: Comparison): Judged[] {
  const judged = ratioTargets.flatMap((target) => judgeRatio(comparison, target));
  const idle = comparison.systems.find(({ name }) => name === 'kvorum')?.idleCpuPercent ?? null;
  if (idle === null) return judged;
  const found = { median: idle, least: idle, most: idle };
  const row = {
    what: 'idle cluster, of a core',
    against: null,
    unit: '%',
    found,
    foundAtPrimary: null,
  } as const;
  return [...judged, verdictOn({ ...row, moreIsBetter: false, ...idleTarget })];
}

function judgeRatio(comparison: Comparison, target: RatioTarget): Judged[] {
  const { what, against, measure, mustHold, aim } = target;
  const found = worstRatio(comparison, target, 'kvorum');
  if (found === null) return [];
  const foundAtPrimary = worstRatio(comparison, target, 'kvorum-primary');
  const moreIsBetter = measure === 'perSecond';
  return [verdictOn({ what, against, unit: '×', found, foundAtPrimary, moreIsBetter, mustHold, aim })];
}

/** Over all numbers of clients of the target; null if one of them was not measured. */
function worstRatio(comparison: Comparison, target: RatioTarget, own: string): Spread | null {
  const { against, workload, clients, measure } = target;
  const ratios = clients.map((count) =>
    ratioBetween(comparison, { own, against, workload, clients: count, measure }),
  );
  const found = ratios.filter((ratio) => ratio !== null);
  if (found.length < ratios.length) return null;
  found.sort((a, b) => (measure === 'perSecond' ? a.median - b.median : b.median - a.median));
  return found[0] ?? null;
}

function verdictOn(target: Omit<Judged, 'verdict'>): Judged {
  const { found, mustHold, aim, moreIsBetter } = target;
  const meets = (bound: number) => (moreIsBetter ? found.median >= bound : found.median <= bound);
  return { ...target, verdict: meets(aim) ? 'aim met' : meets(mustHold) ? 'holds' : 'MISSED' };
}

/** One door's figure divided by the other's; null if one of the two was not measured. */
export function ratioBetween(
  { rows }: Comparison,
  of: { own: string; against: string; workload: string; clients: number; measure: keyof Figures & Measure },
): Spread | null {
  const figures = (door: string) =>
    rows
      .find((row) => row.door === door && row.workload === of.workload && row.clients === of.clients)
      ?.rounds.map((round) => round[of.measure]) ?? [];
  const [own, other] = [figures(of.own), figures(of.against)];
  return own.length === 0 || other.length === 0 ? null : ratioOf(own, other);
}
