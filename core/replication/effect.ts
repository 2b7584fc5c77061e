/**
 * What the replica machine wants done, in list order, by a shell that only executes. An effect that is
 * answered later carries `done`: the shell calls it through `ReplicaMachine.resume`, with the time of the
 * answer.
 */
import type { WorkerReport } from '../protocol/control-message.js';
import type { Entry } from '../protocol/entry.js';
import type { LogCommand, LogResult } from '../protocol/log-command.js';
import type { ReadOutcome, WriteOutcome } from '../protocol/operation.js';
import type { PeerMessage } from '../protocol/peer-message.js';
import type { Member, WorkerId } from '../ring/ring-record.js';

export interface StagedRows {
  number: number;
  atSeq: number;
  chunk: number;
  rows: Uint8Array;
  last: boolean;
}

export type Effect =
  /** Handed to the log's one writer, in order; results come in the same order. */
  | { type: 'log'; command: LogCommand; done: (result: LogResult) => void }
  | {
      type: 'readLog';
      partition: number;
      fromSeq: number;
      bytesMax: number;
      done: (entries: Entry[]) => void;
    }
  | {
      type: 'apply';
      batches: { partition: number; entries: readonly Entry[] }[];
      done: (outcome: 'applied' | 'full') => void;
    }
  | { type: 'openCopy'; partition: number; done: (copy: { handle: number; atSeq: number }) => void }
  | {
      type: 'readCopy';
      handle: number;
      bytesMax: number;
      done: (chunk: { rows: Uint8Array; last: boolean }) => void;
    }
  | { type: 'closeCopy'; handle: number }
  | {
      type: 'stage';
      partition: number;
      stage: StagedRows;
      done: (outcome: 'staged' | 'full' | 'malformed') => void;
    }
  | { type: 'adopt'; partition: number; number: number; done: () => void }
  | { type: 'drop'; partition: number; done: () => void }
  | { type: 'send'; peer: WorkerId; message: PeerMessage }
  | { type: 'report'; controller: string; report: WorkerReport }
  | { type: 'connect'; members: ReadonlyMap<WorkerId, Member> }
  | { type: 'answer'; done: () => void }
  /** Call `flush` at the end of this tick of the event loop. */
  | { type: 'flush' }
  | { type: 'note'; message: string; fields: Record<string, string | number | boolean> }
  /** The process must end; `disown`: its store is put aside first. */
  | { type: 'stop'; reason: string; disown: boolean };

export type WriteDone = (outcome: WriteOutcome) => void;
export type ReadDone = (outcome: ReadOutcome) => void;
