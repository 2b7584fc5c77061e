/** Which slot is a partition's table, which is a copy being staged, and which only waits to be emptied. */
import type Database from 'better-sqlite3';
import { fieldsChecksum } from './checksum.js';
import { AmnesiacStore } from './storage-error.js';

export interface TableReplica {
  partition: number;
  slot: number;
  appliedSeq: number;
  appliedLogTime: number;
  replyCount: number;
  /** Of the copy that this table began as; 0 if it was built from the log alone. */
  copyNumber: number;
}

export interface TableStage {
  partition: number;
  number: number;
  slot: number;
  atSeq: number;
  nextChunk: number;
  complete: boolean;
  appliedLogTime: number;
  replyCount: number;
}

type ReplicaColumns = [number, number, number, number, number, number];
type StageColumns = [number, number, number, number, number, number, number, number];

export class TableSlots {
  private readonly replicas = new Map<number, TableReplica>();
  private readonly stages = new Map<number, TableStage>();
  private discarded: number[] = [];
  private nextSlot = 1;
  private readonly putReplica;
  private readonly deleteReplica;
  private readonly putStage;
  private readonly deleteStage;
  private readonly putDiscarded;
  private readonly deleteDiscarded;

  constructor(private readonly database: Database.Database) {
    this.putReplica = database.prepare<[...ReplicaColumns, number]>(
      'INSERT OR REPLACE INTO replicas VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.deleteReplica = database.prepare<[number]>('DELETE FROM replicas WHERE partition = ?');
    this.putStage = database.prepare<[...StageColumns, number]>(
      'INSERT OR REPLACE INTO stages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.deleteStage = database.prepare<[number]>('DELETE FROM stages WHERE partition = ?');
    this.putDiscarded = database.prepare<[number]>('INSERT OR IGNORE INTO discarded_slots VALUES (?)');
    this.deleteDiscarded = database.prepare<[number]>('DELETE FROM discarded_slots WHERE slot = ?');
    this.load();
  }

  /** Reads the file again: also what puts memory right after a transaction that did not commit. */
  load(): void {
    this.replicas.clear();
    this.stages.clear();
    for (const columns of this.rawRows<[...ReplicaColumns, number]>('replicas')) {
      const checksum = columns.pop();
      const [partition, slot, appliedSeq, appliedLogTime, replyCount, copyNumber] =
        columns as unknown as ReplicaColumns;
      this.prove(fieldsChecksum(columns) === checksum, `partition ${partition}`);
      const replica = { partition, slot, appliedSeq, appliedLogTime, replyCount, copyNumber };
      this.replicas.set(partition, replica);
    }
    for (const columns of this.rawRows<[...StageColumns, number]>('stages')) {
      const checksum = columns.pop();
      const [partition, number, slot, atSeq, nextChunk, complete, appliedLogTime, replyCount] =
        columns as unknown as StageColumns;
      this.prove(fieldsChecksum(columns) === checksum, `a stage of partition ${partition}`);
      const progress = { nextChunk, complete: complete === 1, appliedLogTime, replyCount };
      this.stages.set(partition, { partition, number, slot, atSeq, ...progress });
    }
    this.discarded = this.rawRows<[number]>('discarded_slots').map(([slot]) => slot);
    const used = [...this.replicas.values(), ...this.stages.values()].map(({ slot }) => slot);
    const all = [...used, ...this.discarded];
    this.prove(new Set(all).size === all.length, 'a slot');
    for (const slot of all) this.nextSlot = Math.max(this.nextSlot, slot + 1);
  }

  private prove(sound: boolean, what: string): void {
    if (!sound) throw new AmnesiacStore(`${this.database.name}: the row of ${what} is damaged`);
  }

  private rawRows<T>(table: 'replicas' | 'stages' | 'discarded_slots'): T[] {
    return this.database.prepare<[], T>(`SELECT * FROM ${table}`).raw().all();
  }

  replica(partition: number): TableReplica | undefined {
    return this.replicas.get(partition);
  }

  all(): TableReplica[] {
    return [...this.replicas.values()].sort((a, b) => a.partition - b.partition);
  }

  stage(partition: number): TableStage | undefined {
    return this.stages.get(partition);
  }

  stagedPartitions(): number[] {
    return [...this.stages.keys()];
  }

  /** The partition's table; an empty one if there is none. */
  replicaOf(partition: number): TableReplica {
    const found = this.replicas.get(partition);
    if (found !== undefined) return found;
    const slot = this.takeSlot();
    const fresh = { partition, slot, appliedSeq: 0, appliedLogTime: 0, replyCount: 0, copyNumber: 0 };
    this.replicas.set(partition, fresh);
    return fresh;
  }

  saveReplica(replica: TableReplica): void {
    const { partition, slot, appliedSeq, appliedLogTime, replyCount, copyNumber } = replica;
    const columns: ReplicaColumns = [partition, slot, appliedSeq, appliedLogTime, replyCount, copyNumber];
    this.replicas.set(partition, replica);
    this.putReplica.run(...columns, fieldsChecksum(columns));
  }

  beginStage(partition: number, number: number, atSeq: number): TableStage {
    this.dropStage(partition);
    const slot = this.takeSlot();
    const stage: TableStage = {
      partition,
      number,
      slot,
      atSeq,
      nextChunk: 0,
      complete: false,
      appliedLogTime: 0,
      replyCount: 0,
    };
    this.saveStage(stage);
    return stage;
  }

  saveStage(stage: TableStage): void {
    const { partition, number, slot, atSeq, nextChunk, complete, appliedLogTime, replyCount } = stage;
    this.stages.set(partition, stage);
    const progress = [nextChunk, complete ? 1 : 0, appliedLogTime, replyCount] as const;
    const columns: StageColumns = [partition, number, slot, atSeq, ...progress];
    this.putStage.run(...columns, fieldsChecksum(columns));
  }

  dropStage(partition: number): void {
    const stage = this.stages.get(partition);
    if (stage === undefined) return;
    this.stages.delete(partition);
    this.deleteStage.run(partition);
    this.discard(stage.slot);
  }

  dropReplica(partition: number): void {
    const replica = this.replicas.get(partition);
    if (replica === undefined) return;
    this.replicas.delete(partition);
    this.deleteReplica.run(partition);
    this.discard(replica.slot);
  }

  /** The stage becomes the partition's table. */
  adopt(stage: TableStage): void {
    const { partition, slot, number, atSeq, appliedLogTime, replyCount } = stage;
    this.dropReplica(partition);
    this.stages.delete(partition);
    this.deleteStage.run(partition);
    this.saveReplica({ partition, slot, appliedSeq: atSeq, appliedLogTime, replyCount, copyNumber: number });
  }

  /** A slot that nothing points to and that may still have rows. */
  discardedSlot(): number | undefined {
    return this.discarded.at(-1);
  }

  /** The slot is empty now. */
  release(slot: number): void {
    this.discarded = this.discarded.filter((other) => other !== slot);
    this.deleteDiscarded.run(slot);
  }

  private discard(slot: number): void {
    this.discarded.push(slot);
    this.putDiscarded.run(slot);
  }

  private takeSlot(): number {
    this.nextSlot += 1;
    return this.nextSlot - 1;
  }
}
