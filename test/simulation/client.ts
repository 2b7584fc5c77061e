/**
 * A simulated client: one call at a time, to any worker, of every kind that the API knows; and it writes down
 * what it asked and what it was told, which is what the judges go by. It repeats a request of unknown outcome
 * only with an idempotency key.
 */
import { partitionOf } from '../../core/ring/hash.js';
import type {
  Precondition,
  ReadOperation,
  ReadOutcome,
  Version,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { HistoryCall, ReadCall, WriteCall } from './judges/history.js';
import type { Random } from './random.js';
import { paddedValue, valueText } from './storage/value-text.js';
import type { WorkerRun } from './worker-node.js';
import type { World } from './world.js';

const triesMax = 4;
const none: Precondition = { type: 'none', versions: null };

export function keyBytes(key: string): Uint8Array {
  return Uint8Array.from(key, (character) => character.charCodeAt(0));
}

type Answer<T> = { type: 'answered'; outcome: T } | { type: 'refused' } | { type: 'silent' };

export class SimulatedClient {
  succeeded = 0;
  failed = 0;
  private callsLeft = 0;
  private working = false;
  /** The newest version that this client was shown, by key. */
  private readonly shown = new Map<string, Version>();

  constructor(
    private readonly world: World,
    readonly index: number,
    private readonly random: Random,
  ) {}

  /** Makes so many calls; counts anew what comes of them. */
  start(calls: number): void {
    this.callsLeft = calls;
    this.succeeded = 0;
    this.failed = 0;
    if (this.working) return;
    this.working = true;
    this.world.scheduler.schedule(this.random.between(0, 50), 'client starts', () => this.next());
  }

  get busy(): boolean {
    return this.working;
  }

  private next(): void {
    const { thinkMs, keys } = this.world.profile.clients;
    this.working = this.callsLeft > 0;
    if (!this.working) return;
    this.callsLeft -= 1;
    const key = `k${this.random.integer(1, keys)}`;
    const goOn = () => {
      const pause = -Math.log(1 - this.random.next()) * thinkMs;
      this.world.scheduler.schedule(pause, 'client thinks', () => this.next());
    };
    if (this.random.chance(0.42)) this.read(this.chooseRead(key), goOn);
    else this.write(this.chooseWrite(key), 1, goOn);
  }

  private chooseRead(key: string): ReadOperation & { text: string } {
    const version = this.shown.get(key) ?? null;
    const relaxed = this.random.next();
    return {
      text: key,
      key: keyBytes(key),
      consistency: relaxed < 0.15 ? 'eventual' : 'linearizable',
      atLeast: relaxed > 0.9 ? version : null,
      headOnly: false,
    };
  }

  private chooseWrite(key: string): WriteCall {
    const id = this.world.nextId();
    const isDelete = this.random.chance(0.15);
    return {
      id,
      key,
      partition: partitionOf(keyBytes(key), this.world.profile.partitions),
      kind: isDelete ? 'delete' : 'put',
      value: isDelete ? '' : `v${id}`,
      precondition: this.choosePrecondition(key),
      idempotencyKey: this.random.chance(this.world.profile.clients.requestIdChance) ? `request-${id}` : '',
      invokedAt: 0,
      returnedAt: Infinity,
      result: { type: 'unknown' },
    };
  }

  private choosePrecondition(key: string): Precondition {
    const version = this.shown.get(key);
    const chance = this.random.next() * this.world.profile.clients.unconditionalPart;
    if (chance < 0.25 && version !== undefined) return { type: 'ifMatch', versions: [version] };
    if (chance < 0.33) return { type: 'ifNoneMatch', versions: null };
    if (chance < 0.36) return { type: 'ifMatch', versions: null };
    return none;
  }

  /** One read, linearizable unless the operation says otherwise. */
  read(operation: ReadOperation & { text: string }, done: (call: ReadCall) => void, run?: WorkerRun): void {
    const { text, ...asked } = operation;
    const call: ReadCall = {
      id: this.world.nextId(),
      key: text,
      partition: partitionOf(operation.key, this.world.profile.partitions),
      kind: 'read',
      consistency: operation.consistency,
      atLeast: operation.atLeast,
      invokedAt: this.world.scheduler.now,
      returnedAt: Infinity,
      result: { type: 'failed' },
    };
    this.ask<ReadOutcome>(
      run ?? this.chooseRun(),
      (target, reply) => target.coordinator.read(asked, reply),
      (answer) => {
        call.returnedAt = this.world.scheduler.now;
        const outcome = answer.type === 'answered' ? answer.outcome : null;
        if (outcome?.type === 'found') {
          const { version, value } = outcome.row;
          call.result = { type: 'found', version: { ...version }, value: valueText(value) };
          this.show(text, version);
        } else if (outcome?.type === 'missing') {
          call.result = { type: 'missing' };
        }
        this.record(call, call.result.type !== 'failed');
        done(call);
      },
    );
  }

  /** One write, and the same again while its outcome is unknown and it carries an idempotency key. */
  write(wanted: WriteCall, tries: number, done: (call: WriteCall) => void, run?: WorkerRun): void {
    const call = { ...wanted, invokedAt: this.world.scheduler.now };
    const operation: WriteOperation = {
      type: call.kind,
      key: keyBytes(call.key),
      value:
        call.kind === 'put'
          ? paddedValue(call.value, this.world.profile.clients.valueBytes)
          : new Uint8Array(0),
      contentType: call.kind === 'put' ? 'text/plain' : '',
      precondition: call.precondition,
      idempotencyKey: call.idempotencyKey,
    };
    this.ask<WriteOutcome>(
      run ?? this.chooseRun(),
      (target, reply) => target.coordinator.write(operation, reply),
      (answer) => {
        this.settleWrite(call, answer);
        const again = call.result.type === 'unknown' && call.idempotencyKey !== '' && tries < triesMax;
        if (!again) return done(call);
        const pause = this.random.between(10, 300);
        this.world.scheduler.schedule(pause, 'client repeats', () =>
          this.write(wanted, tries + 1, done, run),
        );
      },
    );
  }

  private settleWrite(call: WriteCall, answer: Answer<WriteOutcome>): void {
    if (answer.type === 'refused') call.result = { type: 'notApplied' };
    else if (answer.type === 'silent') call.result = { type: 'unknown' };
    else call.result = writeResult(answer.outcome);
    const { result } = call;
    if (result.type !== 'unknown') call.returnedAt = this.world.scheduler.now;
    if (result.type === 'applied') this.show(call.key, result.version);
    if (answer.type === 'answered' && answer.outcome.type === 'applied' && answer.outcome.replayed) {
      this.world.coverage.count('client: replayed answer');
    }
    this.world.coverage.count(`client: ${call.kind} ${result.type}`);
    this.record(call, result.type !== 'unknown' && result.type !== 'notApplied');
  }

  private record(call: HistoryCall, success: boolean): void {
    const { world } = this;
    if (success) this.succeeded += 1;
    else this.failed += 1;
    world.history.push(call);
    world.scheduler.mixText(call.result.type);
    if (!world.scheduler.tracing) return;
    const asked = call.kind === 'read' ? `${call.consistency} read` : `${call.kind} ${call.value}`;
    world.note(
      `client${this.index}`,
      `${call.id} ${asked} of ${call.key} p${call.partition}: ${JSON.stringify(call.result)}`,
    );
  }

  private show(key: string, version: Version): void {
    const before = this.shown.get(key);
    if (before === undefined || before.seq < version.seq) this.shown.set(key, { ...version });
  }

  private chooseRun(): WorkerRun | null {
    const node = this.random.pick(this.world.nodes);
    if (node.olderTwin !== null && this.random.chance(0.5)) return node.olderTwin;
    return node.run;
  }

  /** Through the network to one process and back; what was lost on the way shows as silence. */
  private ask<T>(
    run: WorkerRun | null,
    call: (run: WorkerRun, reply: (outcome: T) => void) => void,
    done: (answer: Answer<T>) => void,
  ): void {
    const { scheduler, network, profile } = this.world;
    const place = `client${this.index}`;
    let settled = false;
    const settle = (answer: Answer<T>) => {
      if (settled) return;
      settled = true;
      done(answer);
    };
    if (run === null) {
      scheduler.schedule(1, 'client refused', () => settle({ type: 'refused' }));
      return;
    }
    scheduler.schedule(profile.limits.requestDeadlineMs + 500, 'client gives up', () =>
      settle({ type: 'silent' }),
    );
    scheduler.schedule(network.delay(place, run.place), 'client call', () => {
      if (!run.process.alive) return settle({ type: 'refused' });
      const answer = (outcome: T) => {
        if (!run.process.alive) return;
        const delayMs = network.delay(run.place, place);
        scheduler.schedule(delayMs, 'client reply', () => settle({ type: 'answered', outcome }));
      };
      run.process.enter(() => call(run, answer), true);
      this.watch(
        run,
        () => settled,
        () => settle({ type: 'silent' }),
      );
    });
  }

  /** A connection that breaks because the process is gone is noticed soon. */
  private watch(run: WorkerRun, isOver: () => boolean, gone: () => void): void {
    if (isOver()) return;
    if (!run.process.alive) return gone();
    this.world.scheduler.schedule(100, 'client watches', () => this.watch(run, isOver, gone));
  }
}

function writeResult(outcome: WriteOutcome): WriteCall['result'] {
  switch (outcome.type) {
    case 'applied':
      return { type: 'applied', version: { ...outcome.version }, created: outcome.created };
    case 'preconditionFailed':
      return { type: 'preconditionFailed', current: outcome.current && { ...outcome.current } };
    case 'absent':
      return { type: 'absent' };
    case 'notApplied':
      return { type: 'notApplied' };
    case 'unknown':
      return { type: 'unknown' };
  }
}
