/**
 * What the log file holds, kept in memory beside it: replicas, where their entries stand, the row of the
 * store. A transaction changes both; `keep` after it has committed, `revert` if it did not.
 */
import { holds } from '../../core/rules.js';
import type { Entry } from '../../core/protocol/entry.js';
import type { PeerRun } from '../../core/protocol/log-command.js';
import type { LogReplica, LogTransaction } from './log-rules.js';
import type { LogTables, ReplicaRow, StoreRow } from './log-tables.js';
import { RowPlaces } from './row-places.js';

/** Rows removed with a transaction that adds n: enough to keep up, little enough not to be noticed. */
const reapedPerRow = 2;
const reapedAtLeast = 16;
/** A longer gap than this between two rows is no gap but damage. */
const gapMax = 1_000_000;

export class LogState implements LogTransaction {
  /** The transaction under way has changed something. */
  changed = false;
  /** Bytes of each partition's entries, when the file was opened. */
  readonly bytesFound = new Map<number, number>();
  private readonly replicas = new Map<number, LogReplica>();
  private nextId = 1;
  /** Row ids, the oldest at the end once they are in order. */
  private readonly garbage: number[] = [];
  private isGarbageInOrder = true;
  private rowsAdded = 0;
  private storeChanged = false;
  /** Replicas that the transaction changed, as they were. */
  private readonly saved = new Map<LogReplica, LogReplica>();
  private undo: (() => void)[] = [];
  private afterwards: (() => void)[] = [];

  constructor(
    private readonly tables: LogTables,
    private storeRow: StoreRow,
  ) {}

  get store(): StoreRow {
    return this.storeRow;
  }

  get garbageCount(): number {
    return this.garbage.length;
  }

  replica(partition: number): LogReplica | undefined {
    return this.replicas.get(partition);
  }

  all(): LogReplica[] {
    return [...this.replicas.values()].sort((a, b) => a.partition - b.partition);
  }

  /**
   * Takes what a file holds; tells of every row that is not where it belongs, or whose bytes `isSound`
   * denies.
   */
  load(isSound: ((row: Uint8Array, epoch: number, seq: number) => boolean) | null): Map<number, number> {
    const damage = new Map<number, number>();
    const damaged = (partition: number, seq: number) =>
      damage.set(partition, Math.max(damage.get(partition) ?? 0, seq));
    for (const row of this.tables.replicas()) {
      this.replicas.set(row.partition, { ...row, places: new RowPlaces(row.baseSeq) });
      this.nextId = Math.max(this.nextId, row.firstId);
    }
    for (const [id, partition, seq, epoch, entryBytes, bytes] of this.tables.rows(isSound !== null)) {
      this.nextId = Math.max(this.nextId, id + 1);
      const replica = this.replicas.get(partition);
      if (replica === undefined || id < replica.firstId) {
        this.discard([id]);
        continue;
      }
      this.bytesFound.set(partition, (this.bytesFound.get(partition) ?? 0) + entryBytes);
      if (!place(replica.places, id, seq)) damaged(partition, Math.max(seq, replica.places.lastSeq));
      if (bytes !== null && isSound?.(bytes, epoch, seq) === false) damaged(partition, seq);
    }
    return damage;
  }

  create(partition: number): LogReplica {
    const replica: LogReplica = {
      partition,
      promisedEpoch: 0,
      syncedEpoch: 0,
      epochStarts: [],
      baseSeq: 0,
      commitSeq: 0,
      copyNumber: 0,
      firstId: this.nextId,
      forgotten: false,
      acks: [],
      places: new RowPlaces(0),
    };
    this.replicas.set(partition, replica);
    this.undo.push(() => this.replicas.delete(partition));
    this.save(replica);
    return replica;
  }

  change(replica: LogReplica, fields: Partial<ReplicaRow>): void {
    this.save(replica);
    Object.assign(replica, fields);
  }

  private save(replica: LogReplica): void {
    this.changed = true;
    if (!this.saved.has(replica)) this.saved.set(replica, { ...replica });
  }

  append(replica: LogReplica, entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const { places, partition } = replica;
    const lastSeq = places.lastSeq;
    this.undo.push(() => places.cutAfter(lastSeq));
    for (const { seq, epoch, bytes } of entries) {
      this.tables.insert(this.nextId, partition, seq, epoch, bytes);
      if (seq > places.lastSeq + 1) places.skipTo(seq - 1);
      places.push(this.nextId);
      this.nextId += 1;
    }
    this.rowsAdded += entries.length;
    this.changed = true;
  }

  cutAfter({ places }: LogReplica, seq: number): void {
    const lastSeq = places.lastSeq;
    const ids = places.cutAfter(seq);
    if (ids.length === 0) return;
    this.undo.push(() => {
      for (const id of ids) places.push(id);
      places.skipTo(lastSeq);
    });
    this.tables.deleteRows([...ids]);
    this.changed = true;
  }

  trimThrough(replica: LogReplica, seq: number): void {
    const { places } = replica;
    this.change(replica, { baseSeq: seq, firstId: places.from(seq + 1, 1)[0] ?? this.nextId });
    this.afterwards.push(() => this.discard(places.forgetThrough(seq)));
  }

  empty(replica: LogReplica, afterSeq: number): void {
    const old = replica.places;
    this.save(replica);
    replica.places = new RowPlaces(afterSeq);
    replica.baseSeq = afterSeq;
    replica.firstId = this.nextId;
    this.afterwards.push(() => this.discard(old.forgetThrough(old.lastSeq)));
  }

  private discard(ids: readonly number[]): void {
    for (const id of ids) this.garbage.push(id);
    this.isGarbageInOrder = false;
  }

  erase(replica: LogReplica): void {
    const { partition } = replica;
    this.save(replica);
    this.replicas.delete(partition);
    this.undo.push(() => this.replicas.set(partition, replica));
    this.tables.forgetReplica(partition);
  }

  keepRing(version: number, bytes: Uint8Array): void {
    if (version > this.storeRow.ringVersion) this.changeStore({ ringVersion: version, ring: bytes });
  }

  keepLease(leaseMs: number): void {
    if (leaseMs > this.storeRow.leaseMs) this.changeStore({ leaseMs });
  }

  keepPeerRun(run: PeerRun): void {
    this.tables.savePeerRun(run);
    this.changed = true;
  }

  changeStore(fields: Partial<StoreRow>): void {
    const old = this.storeRow;
    this.undo.push(() => (this.storeRow = old));
    this.storeRow = { ...old, ...fields };
    this.storeChanged = true;
    this.changed = true;
  }

  /**
   * Removes up to `rowsMax` rows that nobody needs, the oldest first: neighbours go with one statement, and
   * their page is written once instead of once for each of the partitions whose rows it holds.
   */
  reap(rowsMax: number): void {
    if (this.garbage.length === 0 || rowsMax === 0) return;
    if (!this.isGarbageInOrder) this.garbage.sort((a, b) => b - a);
    this.isGarbageInOrder = true;
    const ids = this.garbage.splice(-rowsMax);
    this.undo.push(() => this.discard(ids));
    this.tables.deleteRows([...ids]);
    this.changed = true;
  }

  /** Writes what the commands left in memory; the last thing before the transaction commits. */
  write(): void {
    if (this.rowsAdded > 0) this.reap(this.rowsAdded * reapedPerRow + reapedAtLeast);
    for (const replica of this.saved.keys()) {
      if (this.replicas.get(replica.partition) === replica) this.tables.saveReplica(replica);
    }
    if (this.storeChanged) this.tables.saveStore(this.storeRow);
  }

  keep(): void {
    const { afterwards } = this;
    this.settle();
    for (const run of afterwards) run();
  }

  revert(): void {
    for (const run of this.undo.reverse()) run();
    for (const [replica, before] of this.saved) Object.assign(replica, before);
    this.settle();
  }

  private settle(): void {
    this.saved.clear();
    this.undo = [];
    this.afterwards = [];
    this.storeChanged = false;
    this.changed = false;
    this.rowsAdded = 0;
  }
}

/**
 * False if the row is not the next one of its partition. Gaps are no damage where they were let in on
 * purpose.
 */
function place(places: RowPlaces, id: number, seq: number): boolean {
  const expected = places.lastSeq + 1;
  if (seq < expected || seq - expected > gapMax) return false;
  if (seq > expected) places.skipTo(seq - 1);
  places.push(id);
  return seq === expected || !holds('contiguous-prefix');
}
