/**
 * What the comparison is held to: ratios to another system in the same run, and what an idle cluster may
 * cost.
 *
 * Each ratio is taken three times. Alike: clients of both sides know as much, and connect in the same way;
 * etcd's have a connection each to any member, as Kvorum's to any worker, while a client of Redis has to know
 * the master, so the one beside it knows the key's primary. Equal: the same clients, and Kvorum has three
 * workers, as many as the others have servers, where it has four by default. Strict: Kvorum's clients know
 * nothing, and the other side's do what is best for it.
 */
import { ratioOf } from '../report/statistics.js';
import type { Spread } from '../report/statistics.js';
import type { Comparison } from './run.js';

type Measure = 'perSecond' | 'p50Millis' | 'p99Millis';

/** Doors that are compared. */
interface Pair {
  own: string;
  other: string;
}

interface RatioTarget {
  what: string;
  strict: Pair;
  alike: Pair;
  equal: Pair;
  workload: string;
  /** Each of them has to meet the target. */
  clients: readonly number[];
  measure: Measure;
  mustHold: number;
  aim: number;
}

const etcd = {
  strict: { own: 'kvorum', other: 'etcd' },
  alike: { own: 'kvorum', other: 'etcd-any' },
  equal: { own: 'kvorum-3', other: 'etcd-any' },
};
const etcdJson = {
  strict: { own: 'kvorum', other: 'etcd-json' },
  alike: { own: 'kvorum', other: 'etcd-json-any' },
  equal: { own: 'kvorum-3', other: 'etcd-json-any' },
};
const redis = {
  strict: { own: 'kvorum', other: 'redis' },
  alike: { own: 'kvorum-primary', other: 'redis' },
  equal: { own: 'kvorum-3-primary', other: 'redis' },
};
const puts = { workload: 'put-256', measure: 'perSecond' } as const;
const gets = { workload: 'get-256', measure: 'perSecond' } as const;

export const ratioTargets: readonly RatioTarget[] = [
  { what: 'durable PUT/s, 64 clients', ...etcd, ...puts, clients: [64], mustHold: 1.5, aim: 2.5 },
  { what: 'durable PUT/s, 256 clients', ...etcd, ...puts, clients: [256], mustHold: 1.8, aim: 3 },
  {
    what: 'linearizable GET/s, 64 to 256 clients',
    ...etcd,
    ...gets,
    clients: [64, 256],
    mustHold: 3.5,
    aim: 6,
  },
  { what: 'PUT/s, REST against REST, 64 clients', ...etcdJson, ...puts, clients: [64], mustHold: 3, aim: 5 },
  { what: 'PUT/s against Redis, 64 clients', ...redis, ...puts, clients: [64], mustHold: 0.6, aim: 0.9 },
  {
    ...{ what: 'p50 of one client’s PUT', ...etcd, workload: 'put-256', measure: 'p50Millis' },
    ...{ clients: [1], mustHold: 0.8, aim: 0.65 },
  },
  {
    ...{ what: 'p99 of PUT, 64 clients', ...etcd, workload: 'put-256', measure: 'p99Millis' },
    ...{ clients: [64], mustHold: 1, aim: 0.5 },
  },
];

export const idleTarget = { mustHold: 5, aim: 2 };

export type Verdict = 'aim met' | 'holds' | 'MISSED';

export interface Found {
  ratio: Spread;
  verdict: Verdict;
}

/** `pair`: null for a figure of Kvorum alone. */
export type FoundFor = Found & { pair: Pair | null };

export interface Judged {
  what: string;
  /** A ratio, or percent of a core. */
  unit: '×' | '%';
  /** More is better. */
  moreIsBetter: boolean;
  mustHold: number;
  aim: number;
  /** null where there is nothing to compare with, or it was not measured. */
  alike: FoundFor | null;
  equal: FoundFor | null;
  strict: FoundFor | null;
}

/** Targets whose systems were not measured are left out. */
export function judge(comparison: Comparison): Judged[] {
  const judged = ratioTargets.flatMap((target) => judgeRatio(comparison, target));
  const bounds = { moreIsBetter: false, ...idleTarget };
  const judgeIdle = (system: string) => {
    const idle = comparison.systems.find(({ name }) => name === system)?.idleCpuPercent ?? null;
    return idle === null
      ? null
      : { pair: null, ...verdictOn({ median: idle, least: idle, most: idle }, bounds) };
  };
  const [strict, equal] = [judgeIdle('kvorum'), judgeIdle('kvorum-3')];
  if (strict === null) return judged;
  return [...judged, { what: 'idle cluster, of a core', unit: '%', ...bounds, alike: null, equal, strict }];
}

function judgeRatio(comparison: Comparison, target: RatioTarget): Judged[] {
  const { what, measure, mustHold, aim } = target;
  const bounds = { moreIsBetter: measure === 'perSecond', mustHold, aim };
  const judgePair = (pair: Pair) => {
    const ratio = worstRatio(comparison, target, pair);
    return ratio === null ? null : { pair, ...verdictOn(ratio, bounds) };
  };
  const [alike, equal, strict] = [target.alike, target.equal, target.strict].map(judgePair);
  const found = { alike: alike ?? null, equal: equal ?? null, strict: strict ?? null };
  const isMeasured = Object.values(found).some((one) => one !== null);
  return isMeasured ? [{ what, unit: '×', ...bounds, ...found }] : [];
}

/** Over all numbers of clients of the target; null if one of them was not measured. */
function worstRatio(comparison: Comparison, target: RatioTarget, pair: Pair): Spread | null {
  const { workload, clients, measure } = target;
  const ratios = clients.map((count) =>
    ratioBetween(comparison, { pair, workload, clients: count, measure }),
  );
  const found = ratios.filter((ratio) => ratio !== null);
  if (found.length < ratios.length) return null;
  found.sort((a, b) => (measure === 'perSecond' ? a.median - b.median : b.median - a.median));
  return found[0] ?? null;
}

function verdictOn(ratio: Spread, bounds: Pick<Judged, 'moreIsBetter' | 'mustHold' | 'aim'>): Found {
  const { moreIsBetter, mustHold, aim } = bounds;
  const meets = (bound: number) => (moreIsBetter ? ratio.median >= bound : ratio.median <= bound);
  return { ratio, verdict: meets(aim) ? 'aim met' : meets(mustHold) ? 'holds' : 'MISSED' };
}

/** One door's figure divided by the other's; null if one of the two was not measured. */
function ratioBetween(
  { rows }: Comparison,
  of: { pair: Pair; workload: string; clients: number; measure: Measure },
): Spread | null {
  const figures = (door: string) =>
    rows
      .find((row) => row.door === door && row.workload === of.workload && row.clients === of.clients)
      ?.rounds.map((round) => round[of.measure]) ?? [];
  const [own, other] = [figures(of.pair.own), figures(of.pair.other)];
  return own.length === 0 || other.length === 0 ? null : ratioOf(own, other);
}
