/** Who the workers are in the local mode: a fixed list from the configuration. */
import type { ControllerInbox, ExpectedWorker } from '../ports.js';

export class LocalWorkers {
  constructor(
    private readonly workers: ExpectedWorker[],
    private readonly inbox: Pick<ControllerInbox, 'workersExpected'>,
  ) {}

  /** They never change, so they are told once. */
  start(): void {
    this.inbox.workersExpected(this.workers);
  }
}
