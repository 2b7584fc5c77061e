/**
 * What goes back and forth between the table's adapter and its thread. Each request with an `id` is answered
 * once.
 */
import type { Limits } from '../../core/limits.js';
import type { AppliedPosition } from '../worker/ports.js';
import type { StageChunk } from './table-file.js';

export interface TableWriterData {
  path: string;
  limits: Limits;
  /** Rows looked at by the scrub in a second; null: as the size of the table asks for. */
  scrubRowsPerSecond: number | null;
  /** Of {@link StorageMeasurements}. */
  measured: SharedArrayBuffer;
}

export type TableRequest =
  | { type: 'apply'; id: number; packed: ArrayBuffer }
  | { type: 'checkpoint'; id: number }
  | { type: 'openCopy'; id: number; partition: number }
  | { type: 'readCopy'; id: number; handle: number; bytesMax: number }
  | { type: 'closeCopy'; handle: number }
  | { type: 'stage'; id: number; partition: number; part: StageChunk }
  | { type: 'adopt'; id: number; partition: number; stageNumber: number }
  | { type: 'drop'; id: number; partition: number }
  | { type: 'close'; id: number };

export interface TableAnswers {
  applied: { outcome: 'applied' | 'full' };
  synced: { positions: AppliedPosition[] };
  copyOpened: { handle: number; atSeq: number };
  copyRead: { rows: Uint8Array; last: boolean };
  staged: { outcome: 'staged' | 'full' | 'malformed' };
  done: object;
}

export type TableAnswer = {
  [K in keyof TableAnswers]: { type: K; id: number } & TableAnswers[K];
}[keyof TableAnswers];

export type TableReply =
  | { type: 'opened' }
  | TableAnswer
  /** `partition` is null if SQLite's own structure is damaged. */
  | { type: 'damaged'; partition: number | null };
