/**
 * The log's reading thread: entries for replicas that catch up, and the bulk of each checkpoint, on a
 * connection of its own, so that neither holds up a commit. Which records to read it is told, since where
 * entries stand is known in memory alone.
 */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { packEntries } from './entry-batch.js';
import type { LogReaderReply, LogReaderRequest, LogThreadData } from './log-messages.js';
import { LogRecordReader } from './log-record-reader.js';
import { isFull, sqliteCode } from './storage-error.js';
import { failureMessage } from './storage-worker.js';

const { path } = workerData as LogThreadData;
const database = new Database(path, { fileMustExist: true });
// What it syncs in a checkpoint depends on this too.
database.pragma('synchronous = FULL');
database.pragma('cache_size = -2048');
const records = new LogRecordReader(database);

function handle(request: LogReaderRequest): void {
  if (request.type === 'checkpoint') {
    checkpoint();
    reply({ type: 'checkpointed' });
    return;
  }
  const { id, partition, fromSeq, places, bytesMax } = request;
  const packed = packEntries(records.read(partition, fromSeq, places, bytesMax));
  reply({ type: 'entries', id, packed }, [packed]);
}

function reply(message: LogReaderReply, transferred: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transferred);
}

/** As far as it goes without waiting for anyone. With no room on the disk the frames stay where they are. */
function checkpoint(): void {
  try {
    database.pragma('wal_checkpoint(PASSIVE)');
  } catch (error) {
    if (!isFull(error) && !sqliteCode(error).startsWith('SQLITE_BUSY')) throw error;
  }
}

parentPort?.on('message', (request: LogReaderRequest) => {
  try {
    handle(request);
  } catch (error) {
    parentPort?.postMessage(failureMessage(error));
    parentPort?.close();
  }
});
