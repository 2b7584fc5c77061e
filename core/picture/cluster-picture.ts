/**
 * What the live page is told: the cluster at one moment, small enough to be sent several times a second to
 * several viewers. The controller builds it, the page draws it; both have its shape from here.
 */
import type { WorkerId } from '../ring/ring-record.js';

/**
 * The one word for the whole. `standby`: another operator is the active one, and this one knows nothing of
 * the workers.
 */
export type Condition = 'starting' | 'healthy' | 'repairing' | 'unavailable' | 'stopped' | 'standby';

export interface ClusterHead {
  condition: Condition;
  clusterId: string;
  /** The controller that says so. */
  controller: string;
  /** Which operator is active, for `standby`; '' if that is not known. */
  active: string;
  ringVersion: number;
  epochCounter: number;
  partitionCount: number;
  replicationFactor: number;
  /** What is being done, and what is awaited; 'nothing' if nothing is. */
  phase: string;
  awaited: string;
  counts: {
    total: number;
    fullyReplicated: number;
    underReplicated: number;
    withoutQuorum: number;
    moving: number;
  };
  /** Until all is replicated again, if that can be told; milliseconds. */
  remainingMs: number | null;
  /** Silence after which a worker is suspected. */
  suspicionMs: number;
}

export type WorkerState = 'starting' | 'ready' | 'suspected' | 'lost' | 'leaving' | 'draining';

export interface WorkerPicture {
  id: WorkerId;
  url: string;
  zone: string;
  state: WorkerState;
  bootCount: number;
  primaries: number;
  replicas: number;
  learners: number;
  /** Replicas of it that lag behind their primaries, and by how many entries the worst one does. */
  behind: number;
  lagEntries: number;
  diskFull: boolean;
  /** Bytes of its files, and bytes that its disk has left; null while they are not known. */
  disk: { used: number; free: number } | null;
  /** Writes a second that it acknowledged of late; null while that is not known. */
  writesPerSecond: number | null;
}

/**
 * `unheard`: after a start of the controller, workers have not reported yet. `leaderless`: enough replicas
 * are there, and none serves: a failover is due or under way.
 */
export type PartitionState = 'unheard' | 'full' | 'under' | 'leaderless' | 'noQuorum' | 'new';

export interface PartitionPicture {
  state: PartitionState;
  moving: boolean;
  epoch: number;
  /** Indexes into the list of workers; -1 for one that is not in it. */
  primary: number;
  voters: number[];
  learners: number[];
}

/** Something that is going on. */
export interface WorkPicture {
  /**
   * The kinds of a reconfiguration; `copy`: a new replica is filled; `absence`: a lost worker's replicas will
   * be rebuilt elsewhere, or cannot be.
   */
  kind: 'first' | 'failover' | 'move' | 'replace' | 'copy' | 'absence';
  /** Whom it is about: where copies go, who is absent; '' for several. */
  worker: WorkerId;
  partitions: number;
  done: number;
  /** Since it began; null where that is not known. */
  elapsedMs: number | null;
  /** Of an absence: until its replicas are rebuilt elsewhere; null if nobody else could take them. */
  remainingMs: number | null;
  /** Of a copy: entries that the farthest one still lacks. */
  lagEntries: number;
}

/** One stretch of time of all workers together. */
export interface LatencySlot {
  /** Its number: the wall clock divided by the length of a slot. */
  slot: number;
  writes: number;
  failed: number;
  /** Milliseconds from a write that was read whole to its quorum; null without any. */
  p50: number | null;
  p99: number | null;
}

export interface LatencyPicture {
  slotMs: number;
  /** How many slots are kept. */
  slotsMax: number;
  /** In ascending order; one that is missing had no writes. */
  slots: LatencySlot[];
}

export type Severity = 'info' | 'warning';

export interface EventPicture {
  /** Ascending. */
  id: number;
  /** Milliseconds since 1970, by the controller's clock. */
  at: number;
  severity: Severity;
  /** One word: what kind of thing happened. */
  reason: string;
  text: string;
}

export interface ClusterPicture {
  head: ClusterHead;
  workers: WorkerPicture[];
  /** For each worker how long ago it was heard, in milliseconds; null if never. */
  ages: (number | null)[];
  /** One text for each partition: see partition-text. */
  partitions: string[];
  works: WorkPicture[];
  latency: LatencyPicture;
  events: EventPicture[];
  /** The controller's wall clock when this was true. */
  at: number;
}
