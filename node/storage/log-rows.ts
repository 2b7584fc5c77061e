/**
 * What one transaction of the log writes, row by row: gathered in memory while its commands run, then written
 * in one go by whoever commits it, on this thread or on another. Plain data that can be posted; no decisions.
 */
import type { PeerColumns, ReplicaColumns, StoreColumns } from './log-columns.js';

/** A slot that is new, or one that is written over. */
export interface SlotRow {
  slot: number;
  isNew: boolean;
  block: Uint8Array;
}

export interface LogRows {
  /** In the order of writing: a slot may be written more than once. */
  slots: SlotRow[];
  /** Partitions whose replicas are removed; before those that are saved. */
  gone: number[];
  replicas: ReplicaColumns[];
  peerRuns: PeerColumns[];
  store: StoreColumns | null;
}

export function noRows(): LogRows {
  return { slots: [], gone: [], replicas: [], peerRuns: [], store: null };
}

/** There is nothing to commit. */
export function isEmpty({ slots, gone, replicas, peerRuns, store }: LogRows): boolean {
  return slots.length + gone.length + replicas.length + peerRuns.length === 0 && store === null;
}
