/** What goes back and forth between the log's adapter, its writing thread and its reading thread. */
import type { LogRows } from './log-rows.js';
import type { RecordPlace } from './log-slots.js';

export interface StorePaths {
  log: string;
  table: string;
}

export interface LogThreadData {
  path: string;
}

/** One at a time. */
export type LogWriterRequest =
  | { type: 'commit'; rows: LogRows }
  /** What the reading thread has left of a checkpoint, with no commit in between. */
  | { type: 'finishCheckpoint' };

export type LogWriterReply =
  | { type: 'committed'; outcome: 'done' | 'full'; ms: number }
  /** `isAll`: the write-ahead log begins anew. */
  | { type: 'checkpointed'; isAll: boolean };

export type LogReaderRequest =
  | { type: 'read'; id: number; partition: number; fromSeq: number; places: RecordPlace[]; bytesMax: number }
  /** As much as can be moved while commits go on. */
  | { type: 'checkpoint' };

export type LogReaderReply = { type: 'entries'; id: number; packed: ArrayBuffer } | { type: 'checkpointed' };
