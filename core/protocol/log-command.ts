/**
 * What the replica machine asks of the log: the one writer executes commands in order, several in one
 * transaction, and checks promise, epoch and contiguity inside it. A result says that the command and all
 * before it are durable.
 */
import type { StoreId, WorkerId } from '../ring/ring-record.js';
import type { Entry } from './entry.js';

/** First position written in an epoch. Ordered by epoch; the first seq never falls. */
export interface EpochStart {
  epoch: number;
  firstSeq: number;
}

/** What a voter remembers of a store of a peer: its newest run seen. */
export interface PeerRun {
  id: WorkerId;
  storeId: StoreId;
  bootCount: number;
  /**
   * Random for each run of the process: an older disk image comes back with a boot count seen, in another
   * run.
   */
  runId: string;
}

export interface AckMemory {
  id: WorkerId;
  storeId: StoreId;
  epoch: number;
  seq: number;
}

export type LogCommand =
  /** Creates the replica if it is new. Refused below the promise held. */
  | { type: 'promise'; partition: number; epoch: number }
  /**
   * Refused unless `epoch` is the synced epoch, not below the promise, and the first entry follows the log.
   */
  | { type: 'append'; partition: number; epoch: number; entries: Entry[] }
  /**
   * Makes the log equal to the leader's: cuts it after `cutTo`, adds `entries`, sets the synced epoch and
   * `epochStarts`, all at once. With `copy`, the log is emptied first and begins after `copy.atSeq` (=
   * `cutTo`). Refused below the promise, and unless `epoch` is above the synced epoch (no cut within it).
   */
  | {
      type: 'sync';
      partition: number;
      epoch: number;
      cutTo: number;
      epochStarts: EpochStart[];
      entries: Entry[];
      copy: { number: number; atSeq: number } | null;
    }
  /** Notes of no urgency: they ride with the next transaction. */
  | { type: 'note'; commits: { partition: number; seq: number; acks: AckMemory[] }[] }
  /** Entries up to here are no longer needed. */
  | { type: 'trim'; partition: number; throughSeq: number }
  /** Deletes the replica; its promise stays. Refused if the promise is above `recordEpoch`. */
  | { type: 'delete'; partition: number; recordEpoch: number }
  /**
   * Its table is damaged: empties the replica as `delete` does, whatever the record says. Until the next
   * `sync` it counts as having lost what it had.
   */
  | { type: 'forget'; partition: number }
  /** The newest ring seen, encoded. */
  | { type: 'ring'; version: number; bytes: Uint8Array }
  | { type: 'peerRun'; run: PeerRun }
  /** The largest lease ever used. */
  | { type: 'lease'; leaseMs: number };

/** `full`: no room on the disk, nothing of this transaction was done. `refused`: a check inside it failed. */
export type LogResult = { status: 'done' } | { status: 'refused'; reason: string } | { status: 'full' };

/** One partition's replica as read from the disk at start, after both files were made durable. */
export interface RecoveredReplica {
  partition: number;
  promisedEpoch: number;
  syncedEpoch: number;
  epochStarts: EpochStart[];
  /** The log on disk begins after this position. */
  baseSeq: number;
  lastSeq: number;
  commitSeq: number;
  /** What the table holds. */
  appliedSeq: number;
  /** The log beyond `appliedSeq`. */
  tail: Entry[];
  /** Emptied because its table was damaged: it answers no fence until it was synced anew. */
  forgotten: boolean;
  /** Of the entries in the log on disk, when it was opened. */
  logBytes: number;
  acks: AckMemory[];
}

export interface RecoveredStore {
  storeId: StoreId;
  /** Of this run: already incremented, durably. */
  bootCount: number;
  /** The largest lease that this store ever granted; 0 for a new one. */
  leaseMs: number;
  ring: Uint8Array | null;
  peerRuns: PeerRun[];
  replicas: RecoveredReplica[];
}
