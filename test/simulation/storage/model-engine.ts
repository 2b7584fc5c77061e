/**
 * The modelled storage: log and table in plain JavaScript. The table has a page cache: what was written since
 * the last checkpoint may be gone after a loss of power, all of it or all from some write on.
 */
import { present } from '../present.js';
import { AssertionError } from '../../../core/assert.js';
import type { Limits } from '../../../core/limits.js';
import type { Entry } from '../../../core/protocol/entry.js';
import type {
  LogCommand,
  LogResult,
  RecoveredReplica,
  RecoveredStore,
} from '../../../core/protocol/log-command.js';
import { holds } from '../../../core/rules.js';
import type { Row } from '../../../core/protocol/operation.js';
import type { AppliedPosition, RememberedReply } from '../../../node/worker/ports.js';
import type { Random } from '../random.js';
import type { LogReplica } from '../../../node/storage/log-rules.js';
import { ModelLog } from './model-log.js';
import { valueText } from './value-text.js';
import type { ModelReply, ModelRow, ModelTablePartition, ModelTableState } from './model-table.js';
import {
  adoptStage,
  applyEntry,
  copyTable,
  keyText,
  packContents,
  emptyPartition,
  partitionOfTable,
  stageChunk,
} from './model-table.js';
import type {
  Ending,
  LogView,
  LostWrites,
  Opened,
  StagedChunk,
  StorageEngine,
  TableView,
} from './storage-engine.js';

interface OpenCopy {
  rows: ModelRow[];
  replies: ModelReply[];
  next: number;
}

interface ModelImage {
  log: ModelLog;
  table: ModelTableState;
}

export class ModelEngine implements StorageEngine {
  private log: ModelLog | null = null;
  private table: ModelTableState = { storeId: '', partitions: new Map() };
  /** The table as a loss of power would leave it, and what was written since. */
  private synced: ModelTableState = { storeId: '', partitions: new Map() };
  private unsynced: ((table: ModelTableState) => void)[] = [];
  private readonly copies = new Map<number, OpenCopy>();
  private copyHandle = 0;
  /** There may be a damaged row. */
  private damaged = false;

  constructor(
    private readonly limits: Limits,
    private readonly newStoreId: () => string,
  ) {}

  execute(commands: LogCommand[]): LogResult[] {
    return this.openLog().commit(commands);
  }

  readLog(partition: number, fromSeq: number, bytesMax: number): Entry[] {
    return this.openLog().entriesFrom(partition, fromSeq, bytesMax);
  }

  get(partition: number, key: Uint8Array): Row | null | 'damaged' {
    const row = this.table.partitions.get(partition)?.rows.get(keyText(key));
    if (row === undefined) return null;
    if (row.damaged) return 'damaged';
    const { epoch, seq, contentType, value } = row;
    return { version: { epoch, seq }, contentType, value: value.slice() };
  }

  has(partition: number, key: Uint8Array): boolean {
    return this.table.partitions.get(partition)?.rows.has(keyText(key)) ?? false;
  }

  getReply(partition: number, idempotencyKey: string): RememberedReply | null {
    const reply = this.table.partitions.get(partition)?.replies.get(idempotencyKey);
    if (reply === undefined) return null;
    const { version, created, kind, digest } = reply;
    return { version: { ...version }, created, kind, digest };
  }

  apply(batches: { partition: number; entries: readonly Entry[] }[]): void {
    this.write((table) => {
      for (const { partition, entries } of batches) {
        const found = partitionOfTable(table, partition);
        for (const entry of entries) {
          if (entry.seq !== found.appliedSeq + 1) {
            throw new AssertionError('entries are applied in order', { partition, seq: entry.seq });
          }
          applyEntry(found, entry, this.limits);
        }
      }
    });
  }

  checkpoint(): AppliedPosition[] {
    for (const write of this.unsynced) write(this.synced);
    this.unsynced = [];
    return [...this.synced.partitions].map(([partition, { appliedSeq }]) => ({ partition, seq: appliedSeq }));
  }

  openCopy(partition: number): { handle: number; atSeq: number } {
    const found = partitionOfTable(this.table, partition);
    this.copyHandle += 1;
    this.copies.set(this.copyHandle, {
      rows: [...found.rows.values()],
      replies: [...found.replies.values()],
      next: 0,
    });
    return { handle: this.copyHandle, atSeq: found.appliedSeq };
  }

  readCopy(handle: number, bytesMax: number): { rows: Uint8Array; last: boolean } {
    const copy = this.copies.get(handle);
    if (copy === undefined) throw new AssertionError('a copy that is read is open');
    const packed = packContents(copy, copy.next, bytesMax);
    copy.next = packed.next;
    return { rows: packed.rows, last: packed.last };
  }

  closeCopy(handle: number): void {
    this.copies.delete(handle);
  }

  stage(partition: number, chunk: StagedChunk): 'staged' | 'malformed' {
    const copied = { ...chunk, rows: chunk.rows.slice() };
    let outcome: 'staged' | 'malformed' = 'staged';
    this.write((table) => {
      outcome = stageChunk(partitionOfTable(table, partition), copied);
    });
    if (chunk.last) this.checkpoint();
    return outcome;
  }

  adopt(partition: number, stageNumber: number): void {
    this.write((table) => adoptStage(partitionOfTable(table, partition), stageNumber));
    this.checkpoint();
  }

  drop(partition: number): void {
    this.write((table) => table.partitions.delete(partition));
  }

  get storeId(): string {
    return this.log?.storeId ?? '';
  }

  open(): Opened {
    if (this.log === null) {
      this.log = new ModelLog(this.newStoreId());
      this.table = { storeId: this.log.storeId, partitions: new Map() };
    }
    const log = this.log;
    if (log.storeId !== this.table.storeId) return { status: 'amnesiac', reason: 'two store ids' };
    for (const partition of log.partitions()) {
      const problem = this.recoverPartition(log, present(log.replica(partition)));
      if (problem !== '') return { status: 'amnesiac', reason: problem };
    }
    this.synced = copyTable(this.table);
    this.unsynced = [];
    log.bootCount += 1;
    return { status: 'open', store: this.recovered(log) };
  }

  /** Why the store has to be put aside; '' if there is no reason. */
  private recoverPartition(log: ModelLog, replica: LogReplica): string {
    const { partition, copyNumber } = replica;
    if (replica.syncedEpoch === 0) {
      this.table.partitions.delete(partition);
      return '';
    }
    const found = partitionOfTable(this.table, partition);
    if (found.copyNumber !== copyNumber) {
      if (found.stage?.number === copyNumber && (found.stage.complete || !holds('copy-before-log'))) {
        adoptStage(found, copyNumber);
      } else if (holds('copy-before-log')) {
        return `the table lacks copy ${copyNumber}`;
      } else {
        Object.assign(found, emptyPartition(), { copyNumber, appliedSeq: replica.baseSeq });
      }
    }
    found.stage = null;
    if (found.appliedSeq > replica.places.lastSeq) return 'the table is ahead of the log';
    if (found.appliedSeq < replica.baseSeq) return 'the table is behind the log';
    const through = Math.min(replica.commitSeq, replica.places.lastSeq);
    for (const entry of log.entriesFrom(partition, found.appliedSeq + 1, Infinity)) {
      if (entry.seq <= through) applyEntry(found, entry, this.limits);
    }
    return '';
  }

  private recovered(log: ModelLog): RecoveredStore {
    return {
      storeId: log.storeId,
      bootCount: log.bootCount,
      leaseMs: log.leaseMs,
      ring: log.ring?.slice() ?? null,
      peerRuns: log.peerMemory.all().map((run) => ({ ...run })),
      replicas: log.partitions().map((partition) => this.recoveredReplica(present(log.replica(partition)))),
    };
  }

  private recoveredReplica(replica: LogReplica): RecoveredReplica {
    const { partition } = replica;
    const appliedSeq = this.table.partitions.get(partition)?.appliedSeq ?? 0;
    const { promisedEpoch, syncedEpoch, baseSeq, commitSeq } = replica;
    return {
      partition,
      promisedEpoch,
      syncedEpoch,
      epochStarts: replica.epochStarts.map((start) => ({ ...start })),
      baseSeq,
      lastSeq: replica.places.lastSeq,
      commitSeq,
      appliedSeq,
      forgotten: replica.forgotten,
      logBytes: this.readLog(partition, baseSeq + 1, Infinity).reduce(
        (sum, { bytes }) => sum + bytes.length,
        0,
      ),
      tail: this.readLog(partition, appliedSeq + 1, Infinity),
      acks: replica.acks.map((memory) => ({ ...memory })),
    };
  }

  end(ending: Ending, random: Random): LostWrites | null {
    this.copies.clear();
    if (ending === 'killed' || this.unsynced.length === 0) return null;
    const kept = random.pick([0, this.unsynced.length, random.integer(0, this.unsynced.length)]);
    const outcome = kept === 0 ? 'lost' : kept === this.unsynced.length ? 'kept' : 'torn';
    for (const write of this.unsynced.slice(0, kept)) write(this.synced);
    this.unsynced = [];
    this.table = copyTable(this.synced);
    // What was overwritten in vain may be there again.
    this.damaged = true;
    return outcome;
  }

  image(): ModelImage {
    return { log: this.openLog().copy(), table: copyTable(this.table) };
  }

  restore(image: unknown): void {
    const { log, table } = image as ModelImage;
    this.log = log.copy();
    this.table = copyTable(table);
    this.synced = copyTable(table);
    this.unsynced = [];
    this.damaged = true;
  }

  wipe(): void {
    this.log = null;
    this.copies.clear();
  }

  damageRow(random: Random): boolean {
    const candidates = [...this.table.partitions.values()].filter(({ rows }) => rows.size > 0);
    if (candidates.length === 0) return false;
    const { rows } = random.pick(candidates);
    const key = random.pick([...rows.keys()]);
    const row = present(rows.get(key));
    this.damaged = true;
    rows.set(key, { ...row, damaged: true });
    return true;
  }

  damagedPartitions(): number[] {
    const isDamaged = ({ rows }: ModelTablePartition) => [...rows.values()].some((row) => row.damaged);
    if (!this.damaged) return [];
    const found = [...this.table.partitions].filter(([, contents]) => isDamaged(contents));
    this.damaged = found.length > 0;
    return found.map(([partition]) => partition);
  }

  logView(partition: number): LogView | null {
    const replica = this.log?.replica(partition);
    if (replica === undefined) return null;
    const { promisedEpoch, syncedEpoch, epochStarts, baseSeq, forgotten } = replica;
    return {
      forgotten,
      partition,
      promisedEpoch,
      syncedEpoch,
      epochStarts,
      baseSeq,
      lastSeq: replica.places.lastSeq,
    };
  }

  logEntry(partition: number, seq: number): Entry | null {
    return this.log?.entry(partition, seq) ?? null;
  }

  tableView(partition: number): TableView {
    const found = this.table.partitions.get(partition);
    const rows: TableView['rows'] = new Map();
    for (const [key, { epoch, seq, value, damaged }] of found?.rows ?? []) {
      rows.set(key, { epoch, seq, value: valueText(value), damaged });
    }
    return { appliedSeq: found?.appliedSeq ?? 0, rows };
  }

  private openLog(): ModelLog {
    if (this.log === null) throw new AssertionError('the store is open');
    return this.log;
  }

  private write(step: (table: ModelTableState) => void): void {
    step(this.table);
    this.unsynced.push(step);
  }
}
