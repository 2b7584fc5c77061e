/**
 * What the controller's machine is told and what it wants done. The shell of the program turns calls of its
 * ports into events and effects into calls; the simulator runs the same shell.
 */
import type { ControlRequest, WorkerReport } from '../protocol/control-message.js';
import type { Member, RingRecord, WorkerId } from '../ring/ring-record.js';

export type LoadOutcome =
  | { status: 'loaded'; record: RingRecord; revision: string }
  | { status: 'absent' }
  | { status: 'failed'; reason: string };

export type SwapOutcome =
  { status: 'swapped'; revision: string } | { status: 'conflict' } | { status: 'unknown'; reason: string };

export type ProbeOutcome = 'answered' | 'refused' | 'silent';

/** A worker that should exist, as the platform says. */
export interface WorkerExpectation {
  id: WorkerId;
  host: string;
  peerPort: number;
  clientPort: number;
  zone: string;
  ready: boolean | null;
  wish: 'stay' | 'restart' | 'remove';
}

export type Address = Pick<Member, 'host' | 'peerPort'>;

export type ControlEvent =
  | { type: 'tick' }
  | { type: 'expected'; workers: WorkerExpectation[] }
  | { type: 'connected'; worker: WorkerId; storeId: string; bootCount: number }
  | { type: 'disconnected'; worker: WorkerId }
  | { type: 'report'; worker: WorkerId; report: WorkerReport; via: WorkerId | null }
  | { type: 'loaded'; token: number; outcome: LoadOutcome }
  | { type: 'swapped'; token: number; outcome: SwapOutcome }
  | { type: 'probed'; token: number; worker: WorkerId; outcome: ProbeOutcome };

export type ControlEffect =
  | { type: 'connect'; workers: ReadonlyMap<WorkerId, Address> }
  /** `via` not null: through that worker. */
  | { type: 'send'; worker: WorkerId; via: WorkerId | null; request: ControlRequest }
  | { type: 'probe'; token: number; worker: WorkerId; timeoutMs: number }
  | { type: 'load'; token: number }
  | { type: 'swap'; token: number; expected: string | null; record: RingRecord }
  | { type: 'note'; message: string; fields: Record<string, string | number | boolean> }
  | { type: 'stop'; reason: string };

/** Where the parts of the machine put what they want done. */
export type Emit = (effect: ControlEffect) => void;
