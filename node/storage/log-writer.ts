/**
 * The log's writing thread: commits what the adapter has gathered, where the disk is too slow for that to be
 * done in passing, and ends checkpoints. It knows rows, not what they mean.
 *
 * Checkpoints: the reading thread moves the bulk of the write-ahead log into the file while commits go on;
 * the rest, a few frames, this thread moves between two commits, after which SQLite begins the write-ahead
 * log anew. Without that last step a busy log would never find the moment, and grow for ever.
 */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { configureLog } from './log-file.js';
import type { LogThreadData, LogWriterReply, LogWriterRequest } from './log-messages.js';
import { LogTables } from './log-tables.js';
import { isFull, sqliteCode, storageFailure } from './storage-error.js';
import { failureMessage } from './storage-worker.js';

interface CheckpointRow {
  busy: number;
  /** Frames in the write-ahead log, and how many of them are in the file. */
  log: number;
  checkpointed: number;
}

const { path } = workerData as LogThreadData;
const database = new Database(path, { fileMustExist: true });
configureLog(database);
const tables = new LogTables(database);

function handle(request: LogWriterRequest): LogWriterReply {
  if (request.type === 'finishCheckpoint') return { type: 'checkpointed', isAll: finishCheckpoint() };
  const startedAt = performance.now();
  const outcome = tables.commit(request.rows);
  return { type: 'committed', outcome, ms: performance.now() - startedAt };
}

/** SQLite then begins the write-ahead log anew, unless a reader is in the way just now. */
function finishCheckpoint(): boolean {
  try {
    const [moved] = database.pragma('wal_checkpoint(PASSIVE)') as CheckpointRow[];
    // Where another connection is at it, all that SQLite says is that it is busy.
    return moved?.busy === 0 && moved.log === moved.checkpointed;
  } catch (error) {
    // Without room the frames stay where they are, and are read from there.
    if (!isFull(error) && !sqliteCode(error).startsWith('SQLITE_BUSY'))
      throw storageFailure('checkpoint', error);
    return false;
  }
}

/** A failure is the last thing that this thread says. */
parentPort?.on('message', (request: LogWriterRequest) => {
  try {
    parentPort?.postMessage(handle(request));
  } catch (error) {
    parentPort?.postMessage(failureMessage(error));
    parentPort?.close();
  }
});
