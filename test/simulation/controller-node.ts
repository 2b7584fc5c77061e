/**
 * One controller of the simulated cluster: the shipping `Controller` on simulated links, ring store and
 * clock.
 */
import {
  controlRequestCodec,
  controlRequestFrameCodec,
  workerReportCodec,
  workerReportFrameCodec,
} from '../../core/protocol/control-message.js';
import type { ControlRequest } from '../../core/protocol/control-message.js';
import { decode, encode } from '../../core/protocol/wire.js';
import { Controller } from '../../operator/controller.js';
import type { Links } from '../../operator/ports.js';
import type { Machine } from './machine.js';
import { SimulatedProcess } from './machine.js';
import type { Endpoint, Frame } from './network.js';
import { WorkerRun } from './worker-node.js';
import type { World } from './world.js';

export class ControllerNode {
  run: ControllerRun | null = null;

  constructor(
    private readonly world: World,
    readonly id: string,
    readonly machine: Machine,
  ) {}

  start(): void {
    if (this.run !== null) return;
    this.run = new ControllerRun(this.world, this);
    this.run.begin();
  }

  stop(): void {
    this.run?.end();
    this.run = null;
  }
}

export class ControllerRun implements Endpoint {
  readonly name: string;
  readonly place: string;
  readonly process: SimulatedProcess;
  readonly wanted = new Set<string>();
  readonly controller: Controller;
  private toldWishes = -1;
  private readonly outbox = new Map<string, ControlRequest[]>();

  constructor(
    private readonly world: World,
    node: ControllerNode,
  ) {
    this.place = node.id;
    this.name = `${node.id}-${world.random.hex(6)}`;
    this.process = new SimulatedProcess(node.id, node.machine, world.scheduler, world.random.fork('process'));
    const { profile, clusterId } = world;
    this.controller = new Controller({
      id: this.name,
      clusterId,
      limits: profile.limits,
      partitionCount: profile.partitions,
      replicationFactor: profile.replicationFactor,
      clock: node.machine,
      ringStore: world.ringStore.port(this.process),
      links: this.links(),
      observe: ({ message, fields }) => {
        world.coverage.count(`controller: ${message}`);
        if (world.scheduler.tracing) world.note(node.id, `${message} ${JSON.stringify(fields)}`);
      },
      stop: (reason) => world.controllerStopped(node.id, reason),
    });
    this.process.flush = () => this.flush();
  }

  begin(): void {
    this.world.network.attach(this);
    this.process.enter(() => {
      this.tellExpected();
      this.controller.start();
    });
    this.tickLater();
  }

  end(): void {
    this.process.kill();
    this.world.network.detach(this, true);
  }

  private tickLater(): void {
    this.process.later(this.world.profile.limits.tickMs, 'controller tick', () => {
      if (this.toldWishes !== this.world.wishes) this.tellExpected();
      this.controller.tick();
      this.tickLater();
    });
  }

  private tellExpected(): void {
    this.toldWishes = this.world.wishes;
    this.controller.workersExpected(this.world.expectedWorkers());
  }

  private links(): Links {
    return {
      connect: (workers) => {
        this.wanted.clear();
        for (const id of workers.keys()) this.wanted.add(id);
      },
      send: (worker, request) => this.queue(worker, request),
      sendThrough: (via, worker, request) => {
        this.world.coverage.count('controller: sent through another worker');
        this.queue(via, { type: 'relay', worker, payload: encode(controlRequestCodec, request) });
      },
      probe: (worker, timeoutMs, done) => this.probe(worker, timeoutMs, done),
    };
  }

  private queue(worker: string, request: ControlRequest): void {
    const waiting = this.outbox.get(worker);
    if (waiting === undefined) this.outbox.set(worker, [request]);
    else waiting.push(request);
  }

  private probe(
    worker: string,
    timeoutMs: number,
    done: (outcome: 'answered' | 'refused' | 'silent') => void,
  ): void {
    const { network } = this.world;
    const reaches = !network.isBlocked(this.place, worker) && !network.isBlocked(worker, this.place);
    const machineUp = this.world.node(worker)?.machineUp ?? false;
    const roundTripMs = network.delay(this.place, worker) + network.delay(worker, this.place);
    if (!reaches || !machineUp || roundTripMs > timeoutMs) {
      this.process.later(timeoutMs, 'probe silent', () => done('silent'));
      return;
    }
    this.process.later(roundTripMs, 'probe', () => {
      const target = network.endpoint(worker);
      if (target === undefined) done('refused');
      else if (target.process.silent) this.process.later(timeoutMs, 'probe silent', () => done('silent'));
      else done('answered');
    });
  }

  connected(peer: Endpoint): void {
    if (!(peer instanceof WorkerRun)) return;
    const { storeId, bootCount } = peer.identity;
    this.controller.workerConnected(peer.name, { storeId, bootCount });
  }

  disconnected(peer: Endpoint): void {
    this.controller.workerDisconnected(peer.name);
  }

  frame(peer: Endpoint, { bytes }: Frame): void {
    for (const report of decode(workerReportFrameCodec, bytes)) {
      if (report.type !== 'relayed') {
        this.controller.workerReport(peer.name, report, null);
        continue;
      }
      const relayed = decode(workerReportCodec, report.payload);
      if (relayed.type !== 'relayed') this.controller.workerReport(report.worker, relayed, peer.name);
    }
  }

  private flush(): void {
    for (const [worker, requests] of this.outbox) {
      const bytes = encode(controlRequestFrameCodec, requests);
      this.world.network.send(this, worker, { bytes, repeatable: true });
    }
    this.outbox.clear();
  }
}
