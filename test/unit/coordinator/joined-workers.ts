/**
 * Two coordinators, each with a replica that a test scripts, joined by a wire that carries the real encoding.
 * Time moves only when the test says so.
 */
import { assert } from '../../../core/assert.js';
import { defaultLimits } from '../../../core/limits.js';
import type { Limits } from '../../../core/limits.js';
import type {
  ReadOperation,
  ReadOutcome,
  WriteOperation,
  WriteOutcome,
} from '../../../core/protocol/operation.js';
import { peerFrameCodec } from '../../../core/protocol/peer-message.js';
import type { PeerMessage } from '../../../core/protocol/peer-message.js';
import { decode, encode } from '../../../core/protocol/wire.js';
import type { RingRecord, WorkerId } from '../../../core/ring/ring-record.js';
import { Coordinator } from '../../../node/coordinator/coordinator.js';
import type { CoordinatorOptions } from '../../../node/coordinator/coordinator.js';
import type { LocalReplicas } from '../../../node/worker/ports.js';

export interface AskedWrite {
  partition: number;
  epoch: number;
  operation: WriteOperation;
  done: (outcome: WriteOutcome) => void;
}
export interface AskedRead {
  partition: number;
  epoch: number;
  operation: ReadOperation;
  done: (outcome: ReadOutcome) => void;
}

export class ScriptedReplicas implements LocalReplicas {
  record: RingRecord | null = null;
  readonly writes: AskedWrite[] = [];
  readonly reads: AskedRead[] = [];

  ring(): RingRecord | null {
    return this.record;
  }

  write(
    partition: number,
    epoch: number,
    operation: WriteOperation,
    done: (outcome: WriteOutcome) => void,
  ): void {
    this.writes.push({ partition, epoch, operation, done });
  }

  read(
    partition: number,
    epoch: number,
    operation: ReadOperation,
    done: (outcome: ReadOutcome) => void,
  ): void {
    this.reads.push({ partition, epoch, operation, done });
  }

  takeWrite(): AskedWrite {
    const asked = this.writes.shift();
    assert(asked !== undefined, 'a write reached this replica');
    return asked;
  }

  takeRead(): AskedRead {
    const asked = this.reads.shift();
    assert(asked !== undefined, 'a read reached this replica');
    return asked;
  }
}

interface Side {
  coordinator: Coordinator;
  replicas: ScriptedReplicas;
}

export class JoinedWorkers {
  now = 1_000;
  connected = true;
  readonly a: Side;
  readonly b: Side;
  /** On the wire: encoded frames, with their destination. */
  readonly wire: { to: WorkerId; from: WorkerId; frame: Uint8Array }[] = [];
  readonly limits: Limits;

  constructor(options: Partial<CoordinatorOptions> = {}) {
    this.limits = options.limits ?? defaultLimits;
    this.a = this.side('a', options);
    this.b = this.side('b', options);
  }

  private side(id: WorkerId, options: Partial<CoordinatorOptions>): Side {
    const replicas = new ScriptedReplicas();
    const coordinator = new Coordinator({
      id,
      limits: this.limits,
      clock: { now: () => this.now, wall: () => 1_700_000_000_000 + this.now },
      local: replicas,
      send: (peer, message) => this.send(id, peer, message),
      isConnected: (peer) => this.connected && peer !== 'c',
      ...options,
    });
    return { coordinator, replicas };
  }

  private send(from: WorkerId, to: WorkerId, message: PeerMessage): void {
    if (this.connected && to !== 'c') this.wire.push({ from, to, frame: encode(peerFrameCodec, [message]) });
  }

  /** Everything on the wire arrives; `times` more than once for a wire that repeats itself. */
  deliver(times = 1): void {
    for (const { from, to, frame } of this.wire.splice(0)) {
      const side = to === 'a' ? this.a : this.b;
      for (let time = 0; time < times; time += 1)
        for (const message of decode(peerFrameCodec, frame)) side.coordinator.peerMessage(from, message);
    }
  }

  onTheWire(): PeerMessage[] {
    return this.wire.flatMap(({ frame }) => decode(peerFrameCodec, frame));
  }

  disconnect(): void {
    this.connected = false;
    this.wire.length = 0;
    this.a.coordinator.peerDisconnected('b');
    this.b.coordinator.peerDisconnected('a');
  }

  reconnect(): void {
    this.connected = true;
    this.a.coordinator.peerConnected('b');
    this.b.coordinator.peerConnected('a');
  }

  publish(ring: RingRecord): void {
    for (const side of [this.a, this.b]) {
      side.replicas.record = ring;
      side.coordinator.ringChanged();
    }
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += this.limits.tickMs) {
      this.now += this.limits.tickMs;
      this.a.coordinator.tick();
      this.b.coordinator.tick();
    }
  }
}

export const key = new TextEncoder().encode('colour');

export function put(changes: Partial<WriteOperation> = {}): WriteOperation {
  return {
    type: 'put',
    key,
    value: new Uint8Array([1, 2, 3]),
    contentType: 'text/plain',
    precondition: { type: 'none', versions: null },
    idempotencyKey: '',
    ...changes,
  };
}

export function get(changes: Partial<ReadOperation> = {}): ReadOperation {
  return { key, consistency: 'linearizable', atLeast: null, headOnly: false, ...changes };
}

export const applied: Extract<WriteOutcome, { type: 'applied' }> = {
  type: 'applied',
  version: { epoch: 1, seq: 7 },
  partition: 0,
  created: true,
  replayed: false,
  acks: 2,
};
export const found: ReadOutcome = {
  type: 'found',
  row: { version: { epoch: 1, seq: 7 }, contentType: 'text/plain', value: new Uint8Array([9]) },
  valueBytes: 1,
  partition: 0,
  staleMs: null,
};
