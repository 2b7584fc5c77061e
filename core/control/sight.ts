/**
 * What the controller sees at one moment, handed to whoever makes a view of it: status, metrics, the live
 * page. To be looked at only, and at once: the parts are the controller's own.
 */
import type { RingRecord } from '../ring/ring-record.js';
import type { PlanView } from './plan-view.js';
import type { Reconfiguration } from './reconfiguration.js';
import type { WorkerDirectory } from './worker-facts.js';

export interface Sight {
  now: number;
  /** Of the first ring, while there is none. */
  shape: { clusterId: string; partitionCount: number; replicationFactor: number };
  record: RingRecord | null;
  /** Null while there is no ring, or none that can be acted on. */
  view: PlanView | null;
  workers: WorkerDirectory;
  /** Why nothing is done any more until a person has acted; '' if it is. */
  halted: string;
  /** What a ring still waits for. */
  awaited: string;
  batches: readonly Reconfiguration[];
}
