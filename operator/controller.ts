/**
 * The controller as a program part: turns the calls of its ports into events for the machine that decides,
 * and the machine's effects into calls. No decision is made here.
 */
import { statusOf } from '../core/control/cluster-status.js';
import type { ClusterStatus } from '../core/control/cluster-status.js';
import type { ControlEffect, ControlEvent } from '../core/control/control-event.js';
import { ControllerMachine } from '../core/control/controller-machine.js';
import type { Sight } from '../core/control/sight.js';
import type { Limits } from '../core/limits.js';
import { workerReportCodec } from '../core/protocol/control-message.js';
import type { WorkerReport } from '../core/protocol/control-message.js';
import { decode, WireError } from '../core/protocol/wire.js';
import { OperatorMeasurements } from './metrics/operator-measurements.js';
import type { RingRecord, WorkerId } from '../core/ring/ring-record.js';
import type { Clock, ControllerInbox, ExpectedWorker, Links, RingStore } from './ports.js';

/** One line of what happened, with fields; the constant message first. */
export interface ControllerNote {
  message: string;
  fields: Record<string, string | number | boolean>;
}

/** Silence is noticed by ticks alone: the rest is short. */
export const restTicks = 4;

export interface ControllerOptions {
  /** Differs between two controllers of one cluster. */
  id: string;
  clusterId: string;
  limits: Limits;
  /** Of a first ring; the document decides afterwards. */
  partitionCount: number;
  /** Wished; the document follows, and then the partitions, one voter at a time. */
  replicationFactor: number;
  clock: Clock;
  ringStore: RingStore;
  links: Links;
  /** Counted into; go on from one controller to the next. Of its own if none are given. */
  measurements?: OperatorMeasurements;
  observe: (note: ControllerNote) => void;
  /**
   * The controller will do nothing more until what it says is put right; its status says so too. Told once.
   */
  stop: (reason: string) => void;
  /** Something came while it was at rest that time will move on: the next tick should not be a late one. */
  hurry?: () => void;
}

export class Controller implements ControllerInbox {
  private readonly machine: ControllerMachine;
  private readonly measured: OperatorMeasurements;
  private running = false;
  private expected: ExpectedWorker[] = [];
  /** Calls that came while one was being carried out. */
  private readonly waiting: ControlEvent[] = [];
  private stepping = false;

  constructor(private readonly options: ControllerOptions) {
    this.measured = options.measurements ?? new OperatorMeasurements();
    this.machine = new ControllerMachine({ ...options, measurements: this.measured.control });
  }

  /** Reads the ring document and begins to act. Workers may be told before. */
  start(): void {
    this.running = true;
    this.step({ type: 'expected', workers: this.expected });
    this.step({ type: 'tick' });
  }

  /**
   * To be called every `limits.tickMs`. At rest all is quiet: {@link restTicks} times as rarely will do then.
   */
  tick(): 'busy' | 'at rest' {
    this.step({ type: 'tick' });
    return this.machine.atRest ? 'at rest' : 'busy';
  }

  /**
   * Before it stops: begins nothing that can wait. Answers whether nothing is under way any more, and no
   * partition between two configurations.
   */
  finish(): boolean {
    this.machine.finishing = true;
    const { batches, record } = this.sight();
    return batches.length === 0 && record?.partitions.some(({ epoch, attempt }) => attempt > epoch) !== true;
  }

  /** Does nothing more; what is under way is finished by the next controller. */
  stop(): void {
    this.running = false;
  }

  status(): ClusterStatus {
    return statusOf(this.sight());
  }

  sight(): Sight {
    return this.machine.sight(this.options.clock.now());
  }

  /** The newest ring record known to this controller. */
  ring(): RingRecord | null {
    return this.machine.ring();
  }

  workersExpected(workers: ExpectedWorker[]): void {
    this.expected = workers;
    this.step({ type: 'expected', workers });
  }

  workerConnected(worker: WorkerId, identity: { storeId: string; bootCount: number }): void {
    this.step({ type: 'connected', worker, ...identity });
  }

  workerDisconnected(worker: WorkerId): void {
    this.step({ type: 'disconnected', worker });
  }

  workerReport(worker: WorkerId, report: WorkerReport, via: WorkerId | null): void {
    if (report.type !== 'relayed') {
      this.step({ type: 'report', worker, report, via });
      return;
    }
    try {
      const inner = decode(workerReportCodec, report.payload);
      if (inner.type === 'relayed') return;
      this.step({ type: 'report', worker: report.worker, report: inner, via: worker });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.options.observe({
        message: 'relayed report not readable',
        fields: { worker, cause: error.message },
      });
    }
  }

  private isRunning(): boolean {
    return this.running;
  }

  private step(event: ControlEvent): void {
    if (!this.running) return;
    this.waiting.push(event);
    if (this.stepping) return;
    this.stepping = true;
    const isAtRest = () => this.machine.atRest;
    const wasAtRest = isAtRest();
    try {
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
        for (const effect of this.machine.step(next, this.options.clock.now())) this.act(effect);
      }
    } finally {
      this.stepping = false;
    }
    // What was carried out may have stopped it, and a stopped one is not to be ticked again.
    if (this.isRunning() && wasAtRest && !isAtRest()) this.options.hurry?.();
  }

  private act(effect: ControlEffect): void {
    const { links, ringStore, observe } = this.options;
    switch (effect.type) {
      case 'connect':
        return links.connect(effect.workers);
      case 'send':
        if (effect.via === null) return links.send(effect.worker, effect.request);
        return links.sendThrough(effect.via, effect.worker, effect.request);
      case 'probe': {
        const { token, worker, timeoutMs } = effect;
        return links.probe(worker, timeoutMs, (outcome) =>
          this.step({ type: 'probed', token, worker, outcome }),
        );
      }
      case 'load': {
        const { token } = effect;
        return ringStore.load((outcome) => this.step({ type: 'loaded', token, outcome }));
      }
      case 'swap': {
        const { token, expected, record } = effect;
        const startedAt = this.options.clock.now();
        return ringStore.swap(expected, record, (outcome) => {
          this.measured.ringWritten(outcome.status, this.options.clock.now() - startedAt);
          this.step({ type: 'swapped', token, outcome });
        });
      }
      case 'note':
        return observe({ message: effect.message, fields: effect.fields });
      case 'stop':
        return this.options.stop(effect.reason);
    }
  }
}
