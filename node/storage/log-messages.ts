/** What goes back and forth between the log's adapter, its writing thread and its reading thread. */
import type { MessagePort } from 'node:worker_threads';
import type { Limits } from '../../core/limits.js';
import type { LogResult, RecoveredStore } from '../../core/protocol/log-command.js';
import type { PackedCommands } from './entry-batch.js';
import type { RecordPlace } from './log-slots.js';

export interface StorePaths {
  log: string;
  table: string;
}

export interface LogWriterData {
  paths: StorePaths;
  clusterId: string;
  limits: Limits;
  reader: MessagePort;
  walBytes: number;
  /** Of {@link StorageMeasurements}. */
  measured: SharedArrayBuffer;
}

export type LogWriterRequest =
  /** A commit of plain appends. Bare, as is the answer to it: an object costs both threads a clone. */
  | ArrayBuffer
  | ({ type: 'commit' } & PackedCommands)
  | { type: 'read'; id: number; partition: number; fromSeq: number; bytesMax: number }
  | { type: 'close'; cleanly: boolean };

export type LogWriterReply =
  /** So many requests were committed by one transaction, the only one since the last reply; all are done. */
  | number
  | { type: 'opened'; recovered: RecoveredStore }
  /** One for each request, in order; null if all of its commands are done. */
  | { type: 'committed'; results: (LogResult[] | null)[]; commitCount: number }
  | { type: 'closed' };

export interface LogReaderData {
  path: string;
  writer: MessagePort;
}

/** From the writing to the reading thread. */
export type LogReaderRequest =
  | { type: 'read'; id: number; partition: number; fromSeq: number; places: RecordPlace[]; bytesMax: number }
  | { type: 'checkpoint' };

/** From the reading thread to the adapter. */
export interface LogReaderReply {
  type: 'entries';
  id: number;
  packed: ArrayBuffer;
}
