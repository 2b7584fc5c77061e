/**
 * The log's reading thread: entries for replicas that catch up, and the bulk of each checkpoint, on a
 * connection of its own, so that neither holds up a commit. Which records to read the writing thread says,
 * since it knows where they stand.
 */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { packEntries } from './entry-batch.js';
import type { LogReaderData, LogReaderReply, LogReaderRequest } from './log-messages.js';
import { LogRecordReader } from './log-record-reader.js';
import { isFull, sqliteCode } from './storage-error.js';
import { failureMessage } from './storage-worker.js';

const { path, writer } = workerData as LogReaderData;
const database = new Database(path, { fileMustExist: true });
// What it syncs in a checkpoint depends on this too.
database.pragma('synchronous = FULL');
database.pragma('cache_size = -2048');
const records = new LogRecordReader(database);

function handle(request: LogReaderRequest): void {
  if (request.type === 'checkpoint') {
    checkpoint();
    // Its only message to that thread: the checkpoint went as far as it could.
    writer.postMessage(null);
    return;
  }
  const { id, partition, fromSeq, places, bytesMax } = request;
  const packed = packEntries(records.read(partition, fromSeq, places, bytesMax));
  const reply: LogReaderReply = { type: 'entries', id, packed };
  parentPort?.postMessage(reply, [packed]);
}

/** As far as it goes without waiting for anyone. With no room on the disk the frames stay where they are. */
function checkpoint(): void {
  try {
    database.pragma('wal_checkpoint(PASSIVE)');
  } catch (error) {
    if (!isFull(error) && !sqliteCode(error).startsWith('SQLITE_BUSY')) throw error;
  }
}

writer.on('message', (request: LogReaderRequest) => {
  try {
    handle(request);
  } catch (error) {
    parentPort?.postMessage(failureMessage(error));
    writer.close();
  }
});
