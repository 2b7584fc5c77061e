/**
 * What the workers tell of their last minutes and their disks, asked for while somebody looks at the live
 * page. What a worker told stays after it is gone, until it is too old to be shown.
 */
import { bucketCount, mergedSlot, slotAt, slotMs, slotsMax } from '../../core/picture/latency-history.js';
import type { SlotCounts } from '../../core/picture/latency-history.js';
import type { LatencySlot } from '../../core/picture/cluster-picture.js';
import type { WorkerId } from '../../core/ring/ring-record.js';
import type { Clock } from '../ports.js';

/** One worker's answer; throws if there is none, or none that can be read. */
export type AskWorker = (url: string, since: number) => Promise<unknown>;

export interface Asked {
  id: WorkerId;
  url: string;
}

interface Run {
  slots: Map<number, SlotCounts>;
}

interface Told {
  disk: { used: number; free: number } | null;
  at: number;
  newestSlot: number;
}

/** Requests at once. */
const askingMax = 8;
/** What a worker told longer ago is not shown as how it is now. */
const staleMs = 10_000;
const runsMax = 4_096;

export class WorkerActivities {
  /** By worker and run: counts begin anew with each run. */
  private readonly runs = new Map<string, Run>();
  private readonly told = new Map<WorkerId, Told>();
  private asking = false;

  constructor(
    private readonly ask: AskWorker,
    private readonly clock: Clock,
  ) {}

  /** One round over all workers; none while another is under way. */
  async refresh(workers: readonly Asked[]): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const queue = workers.filter(({ url }) => url !== '');
    const askNext = async () => {
      for (let worker = queue.shift(); worker !== undefined; worker = queue.shift()) {
        await this.askOne(worker);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(askingMax, queue.length) }, askNext));
      this.prune();
    } finally {
      this.asking = false;
    }
  }

  /** All workers together, oldest slot first. */
  slots(): LatencySlot[] {
    const bySlot = new Map<number, SlotCounts[]>();
    for (const { slots } of this.runs.values()) {
      for (const counts of slots.values()) {
        const known = bySlot.get(counts.slot);
        if (known === undefined) bySlot.set(counts.slot, [counts]);
        else known.push(counts);
      }
    }
    const oldest = this.oldestSlot();
    return [...bySlot]
      .filter(([slot]) => slot >= oldest)
      .sort(([a], [b]) => a - b)
      .map(([slot, parts]) => mergedSlot(slot, parts));
  }

  disk(worker: WorkerId): Told['disk'] {
    return this.fresh(worker)?.disk ?? null;
  }

  /** Over the last seconds; null if it is not known. */
  writesPerSecond(worker: WorkerId): number | null {
    if (this.fresh(worker) === null) return null;
    const wall = this.clock.wall();
    const newest = slotAt(wall);
    let writes = 0;
    for (const [key, { slots }] of this.runs) {
      if (!key.startsWith(`${worker} `)) continue;
      for (const slot of [newest - 1, newest]) {
        for (const [, count] of slots.get(slot)?.counts ?? []) writes += count;
      }
    }
    const seconds = (wall - (newest - 1) * slotMs) / 1_000;
    return Math.round(writes / seconds);
  }

  /** Nobody looks any more. */
  forget(): void {
    this.runs.clear();
    this.told.clear();
  }

  private async askOne({ id, url }: Asked): Promise<void> {
    const since = Math.max(0, (this.told.get(id)?.newestSlot ?? 0) - 1);
    try {
      const activity = parseActivity(await this.ask(url, since));
      if (activity === null) return;
      const key = `${id} ${activity.run}`;
      const run = this.runs.get(key) ?? { slots: new Map<number, SlotCounts>() };
      if (this.runs.size < runsMax) this.runs.set(key, run);
      for (const counts of activity.slots) run.slots.set(counts.slot, counts);
      const newestSlot = activity.slots.at(-1)?.slot ?? this.told.get(id)?.newestSlot ?? 0;
      this.told.set(id, { disk: activity.disk, at: this.clock.now(), newestSlot });
    } catch {
      // Gone, or of a release that does not tell: what it told before gets old.
    }
  }

  private fresh(worker: WorkerId): Told | null {
    const told = this.told.get(worker);
    return told !== undefined && this.clock.now() - told.at <= staleMs ? told : null;
  }

  private oldestSlot(): number {
    return slotAt(this.clock.wall()) - slotsMax + 1;
  }

  private prune(): void {
    const oldest = this.oldestSlot();
    for (const [key, { slots }] of this.runs) {
      for (const slot of slots.keys()) if (slot < oldest) slots.delete(slot);
      if (slots.size === 0) this.runs.delete(key);
    }
    for (const [id, { at }] of this.told) {
      if (this.clock.now() - at > slotsMax * slotMs) this.told.delete(id);
    }
  }
}

interface ParsedActivity {
  run: string;
  slots: SlotCounts[];
  disk: Told['disk'];
}

/** Null if it is not what a worker of this release tells. */
export function parseActivity(value: unknown): ParsedActivity | null {
  const { run, slotMs: length, slots, disk } = fieldsOf(value);
  if (typeof run !== 'string' || run.length > 128 || length !== slotMs) return null;
  if (!Array.isArray(slots) || slots.length > slotsMax) return null;
  const parsed = slots.map(parseSlot);
  if (parsed.includes(null)) return null;
  const { usedBytes: used, freeBytes: free } = fieldsOf(disk);
  return {
    run,
    slots: parsed.filter((slot) => slot !== null).sort((a, b) => a.slot - b.slot),
    disk: isCount(used) && isCount(free) ? { used, free } : null,
  };
}

function parseSlot(value: unknown): SlotCounts | null {
  const { slot, failed, counts } = fieldsOf(value);
  if (!isCount(slot) || !isCount(failed) || !Array.isArray(counts) || counts.length > bucketCount)
    return null;
  const pairs: SlotCounts['counts'] = [];
  for (const pair of counts as unknown[]) {
    if (!Array.isArray(pair)) return null;
    const [bucket, writes] = pair as unknown[];
    if (!isCount(bucket) || bucket >= bucketCount || !isCount(writes)) return null;
    pairs.push([bucket, writes]);
  }
  return { slot, failed, counts: pairs };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
