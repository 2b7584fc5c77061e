/**
 * Makes the pictures for the live page while somebody looks, and only then: the newest one, and the changes
 * that led to it, for viewers that come back. Costs nothing while nobody looks.
 *
 *   asleep --(first viewer)--> awake --(last viewer gone, and nobody came back for a while)--> asleep
 */
import { pictureOf } from '../../core/control/picture-of.js';
import type { ControlPicture } from '../../core/control/picture-of.js';
import type { Sight } from '../../core/control/sight.js';
import type { ClusterPicture, EventPicture } from '../../core/picture/cluster-picture.js';
import { slotMs, slotsMax } from '../../core/picture/latency-history.js';
import { changeBetween } from '../../core/picture/picture-change.js';
import { ProgressEstimate } from '../../core/picture/progress-estimate.js';
import type { Timers } from '../ports.js';
import type { WorkerActivities } from './worker-activities.js';

/** What the controller around it knows. */
export interface PictureSource {
  /** Who says so. */
  controller: string;
  suspicionMs: number;
  /** Null while another operator is the active one, or no cluster is there yet. */
  sight: () => Sight | null;
  /** The active operator; '' if that is not known. */
  active: () => string;
  /** Oldest first. */
  events: () => EventPicture[];
}

export interface FeedOptions {
  /** Differs between two processes: what one says cannot be continued by another. */
  streamId: string;
  source: PictureSource;
  activities: WorkerActivities;
  timers: Timers;
}

interface Change {
  revision: number;
  text: string;
}

const pictureMs = 250;
/** Making pictures takes at most this part of the process's time. */
const shareMax = 1 / 20;
/** After something happened. */
const promptMs = 40;
const agesMs = 1_000;
/** At least so often something is said, so that a viewer can tell silence from a broken connection. */
const beatMs = 4_000;
const activitiesMs = 2_000;
const lingerMs = 15_000;
const changesMax = 256;
const changesLengthMax = 1024 * 1024;

export class PictureFeed {
  private readonly watchers = new Set<() => void>();
  private picture: ClusterPicture | null = null;
  private revision = 0;
  private changes: Change[] = [];
  private changesLength = 0;
  private stateText: string | null = null;
  private readonly estimate = new ProgressEstimate();
  private cancelTick: (() => void) | null = null;
  private cancelSleep: (() => void) | null = null;
  private nextAt = 0;
  private tookMs = 0;
  private saidAt = 0;
  private agesAt = -Infinity;
  private askedAt = -Infinity;

  constructor(private readonly options: FeedOptions) {}

  /** `changed` is called after each change. Answers the function that ends it. */
  watch(changed: () => void): () => void {
    this.cancelSleep?.();
    this.cancelSleep = null;
    this.watchers.add(changed);
    if (this.cancelTick === null) this.tick();
    return () => {
      this.watchers.delete(changed);
      if (this.watchers.size === 0) {
        this.cancelSleep ??= this.options.timers.after(lingerMs, () => this.sleep());
      }
    };
  }

  get isAwake(): boolean {
    return this.cancelTick !== null;
  }

  /** Something happened: the next picture is made soon. */
  hurry(): void {
    const { timers } = this.options;
    if (this.cancelTick === null || this.nextAt - timers.now() <= promptMs) return;
    if (this.tookMs > pictureMs * shareMax) return;
    this.schedule(promptMs);
  }

  /** Names the newest picture. */
  get newest(): string {
    return this.idOf(this.revision);
  }

  idOf(revision: number): string {
    return `${this.options.streamId}-${revision}`;
  }

  /** The whole newest picture, as JSON. */
  state(): string {
    this.stateText ??= JSON.stringify(this.picture);
    return this.stateText;
  }

  /** The changes after the picture of that name; null if they are not known any more, or never were. */
  changesAfter(id: string): Change[] | null {
    const { streamId } = this.options;
    if (!id.startsWith(`${streamId}-`)) return null;
    const revision = Number(id.slice(streamId.length + 1));
    if (!Number.isSafeInteger(revision) || revision > this.revision) return null;
    const missing = this.revision - revision;
    return missing > this.changes.length ? null : this.changes.slice(this.changes.length - missing);
  }

  private tick(): void {
    const { timers } = this.options;
    const startedAt = timers.now();
    const picture = this.make(startedAt);
    this.take(picture, startedAt);
    this.askWorkers(picture, startedAt);
    this.tookMs = timers.now() - startedAt;
    this.schedule(Math.max(pictureMs, this.tookMs / shareMax));
    for (const changed of this.watchers) changed();
  }

  private schedule(delayMs: number): void {
    const { timers } = this.options;
    this.cancelTick?.();
    this.nextAt = timers.now() + delayMs;
    this.cancelTick = timers.after(delayMs, () => this.tick());
  }

  private sleep(): void {
    if (this.watchers.size > 0) return;
    this.cancelSleep = null;
    this.cancelTick?.();
    this.cancelTick = null;
    // Whoever comes later starts with a whole picture: what lies between is not known.
    this.changes = [];
    this.changesLength = 0;
    this.revision += 1;
    this.options.activities.forget();
    this.askedAt = -Infinity;
  }

  private take(next: ClusterPicture, now: number): void {
    const { picture } = this;
    this.picture = next;
    if (picture === null) return;
    const change = changeBetween(picture, next) ?? (now - this.saidAt >= beatMs ? { at: next.at } : null);
    if (change === null) return;
    this.saidAt = now;
    this.stateText = null;
    this.revision += 1;
    const text = JSON.stringify(change);
    this.changes.push({ revision: this.revision, text });
    this.changesLength += text.length;
    while (this.changes.length > changesMax || this.changesLength > changesLengthMax) {
      this.changesLength -= this.changes.shift()?.text.length ?? 0;
    }
  }

  private make(now: number): ClusterPicture {
    const { source, timers, activities } = this.options;
    const sight = source.sight();
    const seen = sight === null ? this.blind() : pictureOf(sight);
    const { fullyReplicated, total, moving } = seen.head.counts;
    const left = Math.max(total - fullyReplicated, moving);
    const workers = seen.workers.map((worker) => ({
      ...worker,
      disk: activities.disk(worker.id),
      writesPerSecond: activities.writesPerSecond(worker.id),
    }));
    return {
      ...seen,
      workers,
      ages: this.agesOf(seen, now),
      head: {
        ...seen.head,
        controller: source.controller,
        active: source.active(),
        suspicionMs: source.suspicionMs,
        remainingMs: roughly(this.estimate.remainingMs(now, left)),
      },
      latency: { slotMs, slotsMax, slots: activities.slots() },
      events: [...source.events()],
      at: timers.wall(),
    };
  }

  /** They change all the time and are sent less often. */
  private agesOf({ ages }: ControlPicture, now: number): ClusterPicture['ages'] {
    const before = this.picture?.ages ?? [];
    if (now - this.agesAt < agesMs && before.length === ages.length) return before;
    this.agesAt = now;
    return ages;
  }

  /** What can be said without a controller. */
  private blind(): ControlPicture {
    const { source } = this.options;
    const active = source.active();
    const leads = active === source.controller;
    return {
      head: {
        condition: leads ? 'starting' : 'standby',
        clusterId: '',
        ringVersion: 0,
        epochCounter: 0,
        partitionCount: 0,
        replicationFactor: 0,
        phase: leads ? 'waiting' : 'standing by',
        awaited: leads ? 'the KvorumCluster object' : 'the Lease of the active operator',
        counts: { total: 0, fullyReplicated: 0, underReplicated: 0, withoutQuorum: 0, moving: 0 },
      },
      workers: [],
      ages: [],
      partitions: [],
      works: [],
    };
  }

  private askWorkers({ workers }: ClusterPicture, now: number): void {
    if (now - this.askedAt < activitiesMs) return;
    const isFirst = this.askedAt === -Infinity;
    this.askedAt = now;
    void this.options.activities.refresh(workers).then(() => {
      if (isFirst) this.hurry();
    });
  }
}

/** To two digits: an estimate that flickers helps nobody. */
function roughly(durationMs: number | null): number | null {
  return durationMs === null ? null : Number(durationMs.toPrecision(2));
}
