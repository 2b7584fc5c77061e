/**
 * The rows of the log's table as slots, each with room for one block: new blocks are written over those that
 * nobody needs, so that a commit changes their pages and no others, and nothing is ever removed. Entries go
 * on filling the open block from commit to commit until it is full. From the first large entry of a
 * transaction on, they follow each other in a run of blocks instead, which is written with that transaction.
 *
 * A record is kept until none of its entries counts; then its slots are free, the newest first in use again,
 * since SQLite has their pages at hand. What is free stands in memory alone: opening finds it out.
 */
import { assert } from '../../core/assert.js';
import type { Entry } from '../../core/protocol/entry.js';
import { BlockBuilder, cutItems, isLarge, RunBuilder } from './log-block.js';
import type { SlotRow } from './log-rows.js';

/** Stands for the slot of a piece that is lost; slots are numbered from 1. */
export const missingSlot = 0;

interface LogRecord {
  /** One for each piece. */
  slots: number[];
  /** Entries in it that count. */
  live: number;
}

/** As much as a reader has to know. */
export interface RecordPlace {
  record: number;
  slots: readonly number[];
}

/** Where slots are kept. */
export interface SlotStore {
  /** As the transaction under way has left it. */
  block(slot: number): Uint8Array | undefined;
  /** With this transaction; what is handed over is not changed before it has ended. */
  save(row: SlotRow): void;
}

interface OpenBlock {
  record: number;
  slot: number;
  /** Since it was last written. */
  isChanged: boolean;
  /** It was there before this transaction. */
  isOlder: boolean;
}

export class LogSlots {
  private readonly records = new Map<number, LogRecord>();
  private readonly free: number[] = [];
  private slotCount = 0;
  private nextRecord = 1;
  private writtenBlocks = 0;
  private open: OpenBlock | null = null;
  /** Of the open block. */
  private readonly builder = new BlockBuilder();
  /** What the transaction under way has begun; there is no open block then. */
  private run: { number: number; record: LogRecord } | null = null;
  private readonly runBuilder = new RunBuilder();
  /** Of the transaction under way. */
  private readonly begun: number[] = [];
  private readonly taken: number[] = [];
  private slotCountBefore = 0;
  private grownRecord: { record: LogRecord; live: number } | null = null;

  constructor(private readonly store: SlotStore) {}

  /** Only while opening: a record that is in the file, with its entries that count. */
  found(record: number, slots: number[], live: number): void {
    if (live > 0) this.records.set(record, { slots, live });
    else this.giveBack(slots);
    this.seen(record);
    for (const slot of slots) this.slotCount = Math.max(this.slotCount, slot);
    this.slotCountBefore = this.slotCount;
  }

  private giveBack(slots: readonly number[]): void {
    for (const slot of slots) if (slot !== missingSlot) this.free.push(slot);
  }

  /** Only while opening: numbers that are used, or were. */
  seen(record: number): void {
    this.nextRecord = Math.max(this.nextRecord, record + 1);
  }

  get freeCount(): number {
    return this.free.length;
  }

  /** Since it was asked for last. */
  takeWrittenBlocks(): number {
    const written = this.writtenBlocks;
    this.writtenBlocks = 0;
    return written;
  }

  place(record: number): RecordPlace {
    const found = this.records.get(record);
    assert(found !== undefined, 'an entry that counts is in a record', { record });
    return { record, slots: found.slots };
  }

  /**
   * Not above the record of any entry added from now on, and above that of all before if there is none open.
   */
  get next(): number {
    return this.run?.number ?? this.open?.record ?? this.nextRecord;
  }

  /** Answers the record that it is in. It is in the file after {@link write}. */
  add(partition: number, entry: Entry): number {
    if (this.run !== null && !this.runBuilder.fits(entry)) this.endRun();
    if (this.run !== null || isLarge(entry)) return this.addToRun(partition, entry);
    if (this.open === null || !this.builder.fits(entry)) {
      this.close();
      this.begin();
    }
    const { open } = this;
    assert(open !== null, 'a block was opened');
    const record = this.records.get(open.record);
    assert(record !== undefined, 'the open block is of a record that is kept');
    if (open.isOlder) this.grownRecord ??= { record, live: record.live };
    this.builder.add(partition, entry);
    open.isChanged = true;
    record.live += 1;
    return open.record;
  }

  private addToRun(partition: number, entry: Entry): number {
    this.run ??= this.beginRun();
    this.runBuilder.add(partition, entry);
    this.run.record.live += 1;
    return this.run.number;
  }

  private beginRun(): { number: number; record: LogRecord } {
    this.close();
    const number = this.takeNumber();
    const record: LogRecord = { slots: [], live: 0 };
    this.records.set(number, record);
    return { number, record };
  }

  private endRun(): void {
    if (this.run === null) return;
    const { number, record } = this.run;
    this.run = null;
    for (const block of this.runBuilder.seal(number)) {
      const slot = this.takeSlot();
      record.slots.push(slot);
      this.save(slot, block);
    }
  }

  /** What is added after it is in records that are new. */
  close(): void {
    this.write();
    this.open = null;
  }

  private begin(): void {
    const record = this.takeNumber();
    const slot = this.takeSlot();
    this.builder.clear();
    this.records.set(record, { slots: [slot], live: 0 });
    this.open = { record, slot, isChanged: false, isOlder: false };
  }

  private takeNumber(): number {
    const record = this.nextRecord;
    this.nextRecord += 1;
    this.begun.push(record);
    return record;
  }

  private takeSlot(): number {
    const slot = this.free.pop();
    if (slot !== undefined) {
      this.taken.push(slot);
      return slot;
    }
    this.slotCount += 1;
    return this.slotCount;
  }

  /** Entries of the partition after `seq`, which are in these records, count no more; in the file. */
  cut(records: readonly number[], partition: number, seq: number): void {
    this.close();
    for (const record of new Set(records)) {
      const [slot = 0] = this.place(record).slots;
      const block = this.store.block(slot);
      assert(block !== undefined, 'a record that is kept is in the file');
      cutItems(block, record, partition, seq);
      this.writtenBlocks += 1;
      this.store.save({ slot, isNew: false, block });
    }
  }

  /**
   * One entry of each of these records, which may be named several times, counts no more. To be called after
   * the transaction.
   */
  release(records: readonly number[]): void {
    for (const number of records) {
      const record = this.records.get(number);
      assert(record !== undefined, 'what counted was in a record', { record: number });
      record.live -= 1;
      if (record.live > 0) continue;
      this.records.delete(number);
      this.giveBack(record.slots);
      if (this.open?.record === number) this.close();
    }
  }

  /** Before the transaction commits. */
  write(): void {
    this.endRun();
    if (this.open?.isChanged !== true) return;
    this.save(this.open.slot, this.builder.seal(this.open.record));
    this.open.isChanged = false;
  }

  private save(slot: number, block: Uint8Array): void {
    this.writtenBlocks += 1;
    this.store.save({ slot, isNew: slot > this.slotCountBefore, block });
  }

  /** The transaction has committed. */
  keep(): void {
    this.builder.recycle();
    this.begun.length = 0;
    this.taken.length = 0;
    this.grownRecord = null;
    this.slotCountBefore = this.slotCount;
    if (this.open !== null) this.open.isOlder = true;
  }

  /**
   * The transaction did not commit: the file is as before, and what it holds of the open block is left so.
   */
  revert(): void {
    for (const record of this.begun) this.records.delete(record);
    this.giveBack(this.taken.reverse());
    this.slotCount = this.slotCountBefore;
    if (this.grownRecord !== null) this.grownRecord.record.live = this.grownRecord.live;
    this.open = null;
    this.keep();
  }
}
