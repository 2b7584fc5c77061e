/**
 * How often each fault and each rare branch was hit, over a whole run of seeds: a fault that never happens
 * proves nothing, so one that was never hit fails a long run.
 */

/** Each has to be hit at least once in a run of `coverageSeedsMin` seeds. */
export const coverageSeedsMin = 500;

export const faults = [
  'message lost',
  'message doubled',
  'message reordered',
  'stream silent',
  'stream broken',
  'link slow',
  'partition of two sides',
  'partition one-way',
  'partition partial',
  'process killed',
  'power lost',
  'process paused',
  'machine suspended',
  'hang inside a call',
  'wall clock jump',
  'twin',
  'commit in flight at a crash: done',
  'commit in flight at a crash: not done',
  'unsynced table writes lost',
  'unsynced table writes torn',
  'unsynced table writes kept',
  'disk full',
  'I/O error on commit',
  'disk wiped',
  'disk rolled back',
  'row damaged',
  'ring store conflict',
  'ring store outage',
  'ring document lost',
  'ring document set back',
  'ring store unknown, done',
  'ring store unknown, not done',
  'two controllers',
  'controller killed',
  'all killed at once',
  'storage: shipping',
  'storage: model',
  'run without faults',
] as const;

/** What the code under test did, that happens only after some faults. */
export const branches = [
  'worker: serving',
  'worker: stepped down',
  'worker: replica deleted',
  'worker: copy given up',
  'worker: table damaged: a copy has to replace it',
  'worker: disk has room again',
  'worker: peer came back with an older disk',
  'store disowned',
  'client: replayed answer',
  'controller: halted at a document that was set back',
  'controller: learner added',
  'controller: reconfiguration failed',
  'controller: partitions without quorum',
  'controller: sent through another worker',
] as const;

export class Coverage {
  readonly counts = new Map<string, number>();

  count(name: string, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  add(other: Iterable<[string, number]>): void {
    for (const [name, count] of other) this.count(name, count);
  }

  /** Of `expected`, what was never hit. */
  missing(expected: readonly string[]): string[] {
    return expected.filter((name) => (this.counts.get(name) ?? 0) === 0);
  }

  table(expected: readonly string[]): string {
    const names = [...expected, ...[...this.counts.keys()].filter((name) => !expected.includes(name)).sort()];
    const width = Math.max(...names.map((name) => name.length));
    return names
      .map((name) => `  ${name.padEnd(width)}  ${String(this.counts.get(name) ?? 0).padStart(10)}`)
      .join('\n');
  }
}
