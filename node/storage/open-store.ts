/**
 * Opens a worker's store: takes the folder, recovers the two files, starts their threads. The only door to
 * this folder for the program.
 */
import type { Limits } from '../../core/limits.js';
import type { RecoveredStore } from '../../core/protocol/log-command.js';
import type { StorePaths } from './log-messages.js';
import { LogAdapter } from './log-adapter.js';
import type { LogAdapterOptions } from './log-adapter.js';
import { StorageMeasurements } from './storage-measurements.js';
import { StoreFolder } from './store-folder.js';
import { TableThread } from './table-thread.js';

export interface OpenStoreOptions {
  clusterId: string;
  /** Random hexadecimal; becomes the store's id if the folder holds none yet. */
  newStoreId: string;
  limits: Limits;
  /**
   * A file cannot be written or read any more. Called at most once; nothing is answered after it. The process
   * must end: its next start makes durable what there is before it answers.
   */
  onFailure: (error: Error) => void;
  /**
   * Damage found by the scrub in the rows of a partition; null if it is in the table file's own structure.
   */
  onDamage: (partition: number | null) => void;
  /** Runs a function once at the end of this turn of the event loop; at the end of this task if left out. */
  endOfTurn?: (run: () => void) => void;
  /** The same, for what may take a moment: when all else of this turn is done. */
  afterTurn?: (run: () => void) => void;
  /** Rows of the table proved in a second, in the background; 0 for none, by its size if left out. */
  scrubRowsPerSecond?: number;
  /** Size that the log's write-ahead log is kept near. */
  walBytes?: number;
  /** Where the log's transactions are written; by what the disk takes if left out. */
  place?: LogAdapterOptions['place'];
}

export interface Store {
  recovered: RecoveredStore;
  log: LogAdapter;
  table: TableThread;
  measured: StorageMeasurements;
  /** Of its files. */
  paths: StorePaths;
  /**
   * Writes what was handed in, marks the end as clean and frees the folder. Rejects with StorageFailure if
   * something could not be written (a full disk): the folder is free all the same, and the next start is that
   * of an unclean end. Asked for again it answers the same.
   */
  close(): Promise<void>;
}

/**
 * @throws StoreLocked if another process has the folder
 * @throws AmnesiacStore if the files hold less than they should: call `disownStore`, then open again with a
 * new id
 * @throws ForeignStore if the files are of another cluster or a newer release
 * @throws StorageFailure if they cannot be read or made durable: the worker stays down
 */
export async function openStore(folder: string, options: OpenStoreOptions): Promise<Store> {
  const held = new StoreFolder(folder);
  let log: LogAdapter | null = null;
  let failed = false;
  const onFailure = (error: Error) => {
    if (!failed) options.onFailure(error);
    failed = true;
  };
  try {
    held.ensureFiles(options);
    const { endOfTurn = queueMicrotask, afterTurn = endOfTurn } = options;
    const { paths } = held;
    const measured = new StorageMeasurements();
    const opened = LogAdapter.open({ ...options, paths, measured, onFailure, afterTurn });
    log = opened.log;
    const table = await TableThread.open({ ...options, path: paths.table, measured, onFailure, endOfTurn });
    const { recovered } = opened;
    let closing: Promise<void> | null = null;
    const close = () => (closing ??= closeStore(held, opened.log, table));
    return { recovered, log, table, measured, paths, close };
  } catch (error) {
    failed = true;
    await log?.close(false);
    held.release();
    throw error;
  }
}

async function closeStore(held: StoreFolder, log: LogAdapter, table: TableThread): Promise<void> {
  let cleanly = false;
  try {
    await table.close();
    cleanly = true;
  } finally {
    // The log says last that all ended well, and does not if the table did not.
    await log.close(cleanly).finally(() => held.release());
  }
}

/**
 * Puts the files of a store that lost something aside, where a person can look at them; the next `openStore`
 * begins a new one. Answers the new names. @throws StoreLocked
 */
export function disownStore(folder: string): string[] {
  const held = new StoreFolder(folder);
  try {
    return held.disown();
  } finally {
    held.release();
  }
}
