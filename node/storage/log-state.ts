/**
 * What the log file holds, kept in memory beside it: replicas, where their entries stand, the row of the
 * store. A transaction changes this first and leaves the rows that are to be written; `keep` once they are,
 * `revert` if they could not be.
 */
import { holds } from '../../core/rules.js';
import type { Entry } from '../../core/protocol/entry.js';
import type { PeerRun } from '../../core/protocol/log-command.js';
import type { LogReplica, LogTransaction } from './log-rules.js';
import { peerColumns, replicaColumns, storeColumns } from './log-columns.js';
import type { ReplicaRow, StoreRow } from './log-columns.js';
import { noRows } from './log-rows.js';
import type { LogRows } from './log-rows.js';
import type { LogTables } from './log-tables.js';
import { EntryPlaces } from './entry-places.js';
import { entryBytes, readHead, readItems } from './log-block.js';
import type { BlockItem } from './log-block.js';
import { LogSlots, missingSlot } from './log-slots.js';
import type { RecordPlace } from './log-slots.js';
import { AmnesiacStore } from './storage-error.js';

/** Entries let go of after one transaction: a long log at once would hold up everything else. */
const releasedMax = 20_000;
/** A longer gap than this between two entries is no gap but damage. */
const gapMax = 1_000_000;

export type IsSound = (entry: Uint8Array, epoch: number, seq: number) => boolean;

export class LogState implements LogTransaction {
  /** The transaction under way has changed something. */
  changed = false;
  /** Bytes of each partition's entries, when the file was opened. */
  readonly bytesFound = new Map<number, number>();
  private readonly replicas = new Map<number, LogReplica>();
  private readonly slots: LogSlots;
  /** Of the transaction under way. */
  private rows: LogRows = noRows();
  private storeChanged = false;
  /** Replicas that the transaction changed, as they were. */
  private readonly saved = new Map<LogReplica, LogReplica>();
  private undo: (() => void)[] = [];
  private afterwards: (() => readonly number[])[] = [];
  /** Records of entries that count no more, each as often as it has such entries; the oldest first. */
  private readonly toRelease: (readonly number[])[] = [];

  constructor(
    private readonly tables: LogTables,
    private storeRow: StoreRow,
  ) {
    this.slots = new LogSlots({
      block: (slot) => this.rows.slots.findLast((row) => row.slot === slot)?.block ?? tables.block(slot),
      save: (row) => this.rows.slots.push(row),
    });
  }

  get store(): StoreRow {
    return this.storeRow;
  }

  /** Slots that new blocks can be written over. */
  get freeSlots(): number {
    return this.slots.freeCount;
  }

  /** Since it was asked for last; those of a transaction that did not commit too. */
  takeWrittenBlocks(): number {
    return this.slots.takeWrittenBlocks();
  }

  replica(partition: number): LogReplica | undefined {
    return this.replicas.get(partition);
  }

  all(): LogReplica[] {
    return [...this.replicas.values()].sort((a, b) => a.partition - b.partition);
  }

  /**
   * Takes what a file holds; tells of every entry that is not where it belongs, or whose bytes `isSound`
   * denies. @throws AmnesiacStore if it cannot be told whose entries are lost
   */
  load(isSound: IsSound | null): Map<number, number> {
    for (const row of this.tables.replicas()) {
      this.replicas.set(row.partition, { ...row, places: new EntryPlaces(row.baseSeq) });
      this.slots.seen(row.firstRecord - 1);
    }
    const damage = new Map<number, number>();
    const records = [...this.findRecords()].sort(([a], [b]) => a - b);
    for (const [record, pieces] of records) this.loadRecord(record, pieces, isSound, damage);
    return damage;
  }

  /**
   * By record: its slots, in the order of its pieces. What fits into one block and has nothing that counts is
   * free right away: of a file that once was large, that is most.
   */
  private findRecords(): Map<number, number[]> {
    const records = new Map<number, number[]>();
    let slotsBefore = 0;
    for (const [slot, block] of this.tables.slots()) {
      // Slots are numbered without gaps: a number that is damaged would have another slot written over.
      if (slot !== slotsBefore + 1) throw new AmnesiacStore(`slot ${slotsBefore + 1} of the log is missing`);
      slotsBefore = slot;
      const head = readHead(block);
      const { record, piece, pieces } = head;
      if (records.get(record)?.[piece] !== undefined)
        throw new AmnesiacStore(`two blocks of the log are piece ${piece} of record ${record}`);
      const isNeeded = pieces > 1 || readItems(block, head).some((item) => this.owner(record, item) !== null);
      if (!isNeeded) {
        this.slots.found(record, [slot], 0);
      } else if (piece === 0) {
        records.set(record, [slot, ...(records.get(record)?.slice(1) ?? [])]);
      } else {
        const known = records.get(record) ?? [];
        known[piece] = slot;
        records.set(record, known);
      }
    }
    return records;
  }

  /** The replica whose log the entry is part of; null if it counts no more. */
  private owner(record: number, { partition, isCut, seq }: BlockItem): LogReplica | null {
    const replica = this.replicas.get(partition);
    if (replica === undefined || isCut) return null;
    return record >= replica.firstRecord && seq > replica.baseSeq ? replica : null;
  }

  private loadRecord(
    record: number,
    pieces: readonly (number | undefined)[],
    isSound: IsSound | null,
    damage: Map<number, number>,
  ): void {
    const slots = Array.from(pieces, (slot) => slot ?? missingSlot);
    // Of a record that nobody needed, some pieces may be overwritten.
    if (pieces[0] === undefined) return this.slots.found(record, slots, 0);
    const blocks = slots.map((slot) => this.tables.block(slot) ?? null);
    const first = blocks[0] ?? new Uint8Array(0);
    const head = readHead(first);
    if (head.record !== record || head.piece !== 0)
      throw new AmnesiacStore(`record ${record} of the log is in another's place`);
    let live = 0;
    for (const item of readItems(first, head)) {
      const replica = this.owner(record, item);
      if (replica === null) continue;
      const { partition, epoch, seq, length } = item;
      const damaged = (newest: number) => damage.set(partition, Math.max(damage.get(partition) ?? 0, newest));
      this.bytesFound.set(partition, (this.bytesFound.get(partition) ?? 0) + length);
      const found = place(replica.places, record, seq);
      if (found !== 'nowhere') live += 1;
      if (found !== 'next') damaged(Math.max(seq, replica.places.lastSeq));
      // Beside a piece that is lost, what lies in others is not.
      const bytes = entryBytes(head, item, (piece) => blocks[piece] ?? null);
      if (bytes === null || isSound?.(bytes, epoch, seq) === false) damaged(seq);
    }
    this.slots.found(record, slots, live);
  }

  /** Where the entries of a replica from `fromSeq` on are, for up to `countMax` of them. */
  locate({ places }: LogReplica, fromSeq: number, countMax: number): RecordPlace[] {
    return [...new Set(places.from(fromSeq, countMax))].map((record) => this.slots.place(record));
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
      firstRecord: this.slots.next,
      forgotten: false,
      acks: [],
      places: new EntryPlaces(0),
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
    for (const entry of entries) {
      const record = this.slots.add(partition, entry);
      if (entry.seq > places.lastSeq + 1) places.skipTo(entry.seq - 1);
      places.push(record);
    }
    this.changed = true;
  }

  cutAfter({ partition, places }: LogReplica, seq: number): void {
    const lastSeq = places.lastSeq;
    const records = places.cutAfter(seq);
    if (records.length === 0) return;
    this.undo.push(() => {
      for (const record of records) places.push(record);
      places.skipTo(lastSeq);
    });
    this.slots.cut(records, partition, seq);
    this.afterwards.push(() => records);
    this.changed = true;
  }

  trimThrough(replica: LogReplica, seq: number): void {
    const { places } = replica;
    this.change(replica, { baseSeq: seq, firstRecord: places.from(seq + 1, 1)[0] ?? this.slots.next });
    this.afterwards.push(() => places.forgetThrough(seq));
  }

  empty(replica: LogReplica, afterSeq: number): void {
    const old = replica.places;
    this.save(replica);
    // What it had is told apart from what it gets by the record alone: positions may begin anew.
    this.slots.close();
    replica.places = new EntryPlaces(afterSeq);
    replica.baseSeq = afterSeq;
    replica.firstRecord = this.slots.next;
    this.afterwards.push(() => old.forgetThrough(old.lastSeq));
  }

  erase(replica: LogReplica): void {
    const { partition } = replica;
    this.save(replica);
    this.replicas.delete(partition);
    this.undo.push(() => this.replicas.set(partition, replica));
    this.rows.gone.push(partition);
  }

  keepRing(version: number, bytes: Uint8Array): void {
    // Its own copy, whatever memory these are a part of: it is written again with every change of the row.
    if (version > this.storeRow.ringVersion)
      this.changeStore({ ringVersion: version, ring: new Uint8Array(bytes) });
  }

  keepLease(leaseMs: number): void {
    if (leaseMs > this.storeRow.leaseMs) this.changeStore({ leaseMs });
  }

  keepPeerRun(run: PeerRun): void {
    this.rows.peerRuns.push(peerColumns(run));
    this.changed = true;
  }

  changeStore(fields: Partial<StoreRow>): void {
    const old = this.storeRow;
    this.undo.push(() => (this.storeRow = old));
    this.storeRow = { ...old, ...fields };
    this.storeChanged = true;
    this.changed = true;
  }

  /** All that the commands of the transaction have changed: to be written, then kept or reverted. */
  finish(): LogRows {
    this.slots.write();
    for (const replica of this.saved.keys()) {
      if (this.replicas.get(replica.partition) === replica) this.rows.replicas.push(replicaColumns(replica));
    }
    if (this.storeChanged) this.rows.store = storeColumns(this.storeRow);
    return this.rows;
  }

  keep(): void {
    const { afterwards } = this;
    this.slots.keep();
    this.settle();
    for (const records of afterwards) this.toRelease.push(records());
    this.releaseSome();
  }

  private releaseSome(): void {
    let left = releasedMax;
    while (left > 0) {
      const records = this.toRelease.shift();
      if (records === undefined) return;
      this.slots.release(records.length > left ? records.slice(0, left) : records);
      if (records.length > left) this.toRelease.unshift(records.slice(left));
      left -= records.length;
    }
  }

  revert(): void {
    for (const run of this.undo.reverse()) run();
    for (const [replica, before] of this.saved) Object.assign(replica, before);
    this.slots.revert();
    this.settle();
  }

  private settle(): void {
    this.rows = noRows();
    this.saved.clear();
    this.undo = [];
    this.afterwards = [];
    this.storeChanged = false;
    this.changed = false;
  }
}

/**
 * Whether the entry is the next one of its partition, one after a gap, or one for which there is no place.
 * Gaps are no damage where they were let in on purpose.
 */
function place(places: EntryPlaces, record: number, seq: number): 'next' | 'later' | 'nowhere' {
  const expected = places.lastSeq + 1;
  if (seq < expected || seq - expected > gapMax) return 'nowhere';
  if (seq > expected) places.skipTo(seq - 1);
  places.push(record);
  return seq === expected || !holds('contiguous-prefix') ? 'next' : 'later';
}
