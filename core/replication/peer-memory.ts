/**
 * What a worker remembers of its peers' stores: the newest run of each. A worker whose disk was replaced has
 * a new store; the old one is remembered beside it, since the disk may come back.
 */
import type { PeerRun } from '../protocol/log-command.js';
import type { StoreId, WorkerId } from '../ring/ring-record.js';

/** Stores remembered of one worker: the ones seen last. */
export const rememberedStoresMax = 4;

export class PeerMemory {
  /** Of each worker, the one seen last at the end. */
  private readonly runs = new Map<WorkerId, PeerRun[]>();

  remember(run: PeerRun): void {
    const others = (this.runs.get(run.id) ?? []).filter(({ storeId }) => storeId !== run.storeId);
    this.runs.set(run.id, [...others, { ...run }].slice(-rememberedStoresMax));
  }

  /** The newest run of this very store. */
  of(id: WorkerId, storeId: StoreId): PeerRun | undefined {
    return this.runs.get(id)?.find((run) => run.storeId === storeId);
  }

  /** The newest run of the store that the worker was seen with last. */
  latest(id: WorkerId): PeerRun | undefined {
    return this.runs.get(id)?.at(-1);
  }

  all(): PeerRun[] {
    return [...this.runs.values()].flat();
  }
}
