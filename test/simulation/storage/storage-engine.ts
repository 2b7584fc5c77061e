/**
 * What the simulated disk needs of a storage: the work of the two files, done at once and without faults.
 * There are two: the shipping code on SQLite in memory, and a model in plain JavaScript, which is faster and
 * whose page cache can be taken apart.
 */
import type { Entry } from '../../../core/protocol/entry.js';
import type {
  EpochStart,
  LogCommand,
  LogResult,
  RecoveredStore,
} from '../../../core/protocol/log-command.js';
import type { Row } from '../../../core/protocol/operation.js';
import type { AppliedPosition, RememberedReply } from '../../../node/worker/ports.js';
import type { Random } from '../random.js';

export interface StagedChunk {
  number: number;
  atSeq: number;
  chunk: number;
  rows: Uint8Array;
  last: boolean;
}

/** What a judge sees of one replica's log. */
export interface LogView {
  partition: number;
  promisedEpoch: number;
  syncedEpoch: number;
  epochStarts: readonly EpochStart[];
  baseSeq: number;
  lastSeq: number;
  /** Emptied because its table was damaged. */
  forgotten: boolean;
}

export interface TableView {
  appliedSeq: number;
  /** By key as text. */
  rows: Map<string, { epoch: number; seq: number; value: string; damaged: boolean }>;
}

/** `amnesiac`: the files hold less than they once said; the store must be put aside. */
export type Opened = { status: 'open'; store: RecoveredStore } | { status: 'amnesiac'; reason: string };

/** How the process that had the files open ended. */
export type Ending = 'killed' | 'power';

export type LostWrites = 'lost' | 'torn' | 'kept';

/** The files of one store as they are at one moment. */
export type StorageImage = unknown;

export interface StorageEngine {
  /** Of the store that the files hold now; '' if there is none. */
  readonly storeId: string;
  /** One transaction of the log file: durable when it returns. */
  execute(commands: LogCommand[]): LogResult[];
  readLog(partition: number, fromSeq: number, bytesMax: number): Entry[];

  get(partition: number, key: Uint8Array): Row | null | 'damaged';
  has(partition: number, key: Uint8Array): boolean | 'damaged';
  getReply(partition: number, idempotencyKey: string): RememberedReply | null;
  apply(batches: { partition: number; entries: readonly Entry[] }[]): void;
  checkpoint(): AppliedPosition[];
  openCopy(partition: number): { handle: number; atSeq: number };
  readCopy(handle: number, bytesMax: number): { rows: Uint8Array; last: boolean };
  closeCopy(handle: number): void;
  stage(partition: number, chunk: StagedChunk): 'staged' | 'malformed';
  adopt(partition: number, stageNumber: number): void;
  drop(partition: number): void;

  /**
   * Opens the files as a process that starts does: recovery, and one more boot. Creates a store if there is
   * none.
   */
  open(): Opened;
  /** The process is gone; what a loss of power does to what was not synced is up to chance. */
  end(ending: Ending, random: Random): LostWrites | null;
  image(): StorageImage;
  restore(image: StorageImage): void;
  /** The files are gone. */
  wipe(): void;
  /** Flips a bit in the value of one row of the table; false if there is none. */
  damageRow(random: Random): boolean;

  /** Partitions with a row whose checksum is wrong, as a scrub finds them. */
  damagedPartitions(): number[];

  logView(partition: number): LogView | null;
  logEntry(partition: number, seq: number): Entry | null;
  tableView(partition: number): TableView;
}
