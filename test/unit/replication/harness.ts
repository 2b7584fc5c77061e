/**
 * One worker whose disk, peers and controller are played by the test: commands of the log wait until the test
 * answers them, what it sends is looked at as it is, and time stands still until the test moves it.
 */
import { assert } from '../../../core/assert.js';
import { defaultLimits } from '../../../core/limits.js';
import type { Limits } from '../../../core/limits.js';
import type { ControlRequestOf, WorkerReportOf } from '../../../core/protocol/control-message.js';
import { encodeEntry, entryContent } from '../../../core/protocol/entry.js';
import type { Entry } from '../../../core/protocol/entry.js';
import type { LogCommand, LogResult, RecoveredReplica } from '../../../core/protocol/log-command.js';
import type { ReadOutcome, Row, WriteOperation, WriteOutcome } from '../../../core/protocol/operation.js';
import type { PeerMessage, PeerMessageOf } from '../../../core/protocol/peer-message.js';
import type { Replica } from '../../../core/replication/replica.js';
import { encodeRing } from '../../../core/ring/ring-payload.js';
import type { Identity, PartitionRecord, RingRecord, WorkerId } from '../../../core/ring/ring-record.js';
import { checksum } from '../../../node/storage/checksum.js';
import { Worker } from '../../../node/worker/worker.js';

/** What is committed is applied in the next tick. */
const usualLimits: Limits = { ...defaultLimits, applyDelayMs: 1 };

const text = new TextEncoder();
const textOf = new TextDecoder();

export const voters: Identity[] = ['a', 'b', 'c'].map((id) => ({ id, storeId: `store-${id}` }));

export function entry(epoch: number, seq: number, key = `key${seq}`): Entry {
  const content = { kind: 'put', version: { epoch, seq }, logTime: 1, created: true } as const;
  const texts = { contentType: '', idempotencyKey: '', digest: 0 };
  return encodeEntry({ ...content, ...texts, key: text.encode(key), value: text.encode('value') }, checksum);
}

export function put(key: string): WriteOperation {
  const precondition = { type: 'none', versions: null } as const;
  const texts = { contentType: '', idempotencyKey: '' };
  return { type: 'put', key: text.encode(key), value: text.encode('value'), precondition, ...texts };
}

function emptyReplica(): RecoveredReplica {
  return {
    partition: 0,
    promisedEpoch: 1,
    syncedEpoch: 1,
    epochStarts: [{ epoch: 1, firstSeq: 1 }],
    baseSeq: 0,
    lastSeq: 0,
    commitSeq: 0,
    appliedSeq: 0,
    tail: [],
    forgotten: false,
    logBytes: 0,
    acks: [],
  };
}

export interface AppendOptions {
  epoch: number;
  previousSeq: number;
  commitSeq: number;
  entries?: Entry[];
}

export class ScriptedWorker {
  now = 10_000;
  readonly worker: Worker;
  readonly sent: { to: WorkerId; message: PeerMessage }[] = [];
  readonly applied: Entry[] = [];
  /** Times that the table was asked for a key. */
  lookups = 0;
  private readonly rows = new Map<string, Row>();
  readonly stops: string[] = [];
  readonly heartbeats: { at: number; report: WorkerReportOf<'heartbeat'> }[] = [];
  readonly dropped: number[] = [];
  copiesOpened = 0;
  readonly checkpoints: ((synced: { partition: number; seq: number }[]) => void)[] = [];
  private readonly log: { commands: LogCommand[]; done: (results: LogResult[]) => void }[] = [];
  private deferred: (() => void)[] = [];
  private ringVersion = 0;

  constructor(recovered: Partial<RecoveredReplica> = {}, limits: Partial<Limits> = {}) {
    this.worker = new Worker({
      id: 'a',
      clusterId: 'test',
      runId: 'run',
      limits: { ...usualLimits, ...limits },
      checksum,
      recovered: {
        storeId: 'store-a',
        bootCount: 1,
        leaseMs: defaultLimits.leaseMs,
        ring: null,
        peerRuns: [],
        replicas: [{ ...emptyReplica(), ...recovered }],
      },
      clock: { now: () => this.now, wall: () => 1_700_000_000_000 + this.now },
      log: {
        submit: (commands, done) => this.log.push({ commands, done }),
        read: () => undefined,
      },
      table: {
        get: (_partition, key) => this.lookUp(key),
        has: (_partition, key) => this.lookUp(key) !== null,
        getReply: () => null,
        apply: (batches, done) => {
          const entries = batches.flatMap((batch) => batch.entries);
          this.applied.push(...entries);
          this.deferred.push(() => {
            for (const applied of entries) this.show(applied);
            done('applied');
          });
        },
        checkpoint: (done) => this.checkpoints.push(done),
        openCopy: (_partition, done) => {
          this.copiesOpened += 1;
          const handle = this.copiesOpened;
          this.deferred.push(() => done({ handle, atSeq: this.replica.appliedSeq }));
        },
        readCopy: (_handle, _bytesMax, done) => {
          this.deferred.push(() => done({ rows: new Uint8Array(10), last: false }));
        },
        closeCopy: () => undefined,
        stage: (_partition, _stage, done) => this.deferred.push(() => done('staged')),
        adopt: () => undefined,
        drop: (partition, done) => {
          this.dropped.push(partition);
          this.deferred.push(done);
        },
      },
      peers: { send: (to, message) => this.sent.push({ to, message }), connect: () => undefined },
      controllers: {
        send: (_controller, report) => {
          if (report.type === 'heartbeat') this.heartbeats.push({ at: this.now, report });
        },
      },
      defer: (run) => this.deferred.push(run),
      observe: () => undefined,
      stop: (reason) => this.stops.push(reason),
    });
    this.worker.start();
    for (const { id, storeId } of voters.slice(1)) {
      this.worker.peerConnected({ id, storeId, bootCount: 1, runId: 'run' });
    }
    this.settle();
  }

  private lookUp(key: Uint8Array): Row | null {
    this.lookups += 1;
    return this.rows.get(textOf.decode(key)) ?? null;
  }

  private show(applied: Entry): void {
    const { kind, key, version, contentType, value } = entryContent(applied);
    if (kind === 'put') this.rows.set(textOf.decode(key), { version, contentType, value });
    else this.rows.delete(textOf.decode(key));
  }

  get replica(): Replica {
    const [replica] = this.worker.inspect();
    assert(replica !== undefined, 'the worker has its replica');
    return replica;
  }

  /** Kinds of the commands that the log has not answered, in order. */
  waiting(): LogCommand['type'][] {
    return this.log.flatMap(({ commands }) => commands.map(({ type }) => type));
  }

  /** The log answers everything that it was handed so far. */
  answerLog(status: 'done' | 'full' = 'done'): void {
    for (const { commands, done } of this.log.splice(0)) done(commands.map(() => ({ status })));
  }

  /** Ends the tick of the event loop. */
  endTick(): void {
    for (const run of this.deferred.splice(0)) run();
  }

  /** Until nothing waits any more. */
  settle(): void {
    for (let round = 0; round < 20; round += 1) {
      this.answerLog();
      this.endTick();
    }
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += defaultLimits.tickMs) {
      this.now += defaultLimits.tickMs;
      this.worker.tick();
    }
  }

  /** What was sent to a peer of one kind since the last call. */
  take<T extends PeerMessage['type']>(to: WorkerId, type: T): PeerMessageOf<T>[] {
    const found: PeerMessageOf<T>[] = [];
    for (let index = this.sent.length - 1; index >= 0; index -= 1) {
      const item = this.sent[index];
      if (item?.to !== to || item.message.type !== type) continue;
      found.unshift(item.message as PeerMessageOf<T>);
      this.sent.splice(index, 1);
    }
    return found;
  }

  appendMessage({ epoch, previousSeq, commitSeq, entries = [] }: AppendOptions): PeerMessageOf<'append'> {
    const head = { type: 'append', partition: 0, epoch, previousSeq, commitSeq, allSeq: 0 } as const;
    const bytes = entries.map((found) => found.bytes);
    return { ...head, round: 1, sentAt: this.now, wantsLease: false, entries: bytes };
  }

  ackMessage(epoch: number, durableSeq: number, round = 0): PeerMessageOf<'ack'> {
    return { type: 'ack', partition: 0, epoch, round, sentAt: this.now, leaseMs: 0, durableSeq };
  }

  /** Its log, as a peer tells the leader of `epoch`. */
  reportMessage(epoch: number, log: Partial<PeerMessageOf<'report'>>): PeerMessageOf<'report'> {
    const positions = { syncedEpoch: 0, epochStarts: [], baseSeq: 0, lastSeq: 0, appliedSeq: 0 };
    return { type: 'report', partition: 0, epoch, ...positions, refill: false, staged: null, ...log };
  }

  from(peer: WorkerId, ...messages: PeerMessage[]): void {
    this.worker.peerMessages(peer, messages);
  }

  write(key: string): WriteOutcome[] {
    const outcomes: WriteOutcome[] = [];
    this.worker.write(0, 0, put(key), (outcome) => outcomes.push(outcome));
    return outcomes;
  }

  /** Outcomes of a linearizable read that a backup confirms. */
  read(key: string): ReadOutcome[] {
    const outcomes: ReadOutcome[] = [];
    const operation = { key: text.encode(key), consistency: 'linearizable', atLeast: null } as const;
    this.worker.read(0, 0, { ...operation, headOnly: false }, (outcome) => outcomes.push(outcome));
    this.endTick();
    const round = this.take('b', 'append').at(-1)?.round ?? 0;
    const { epoch = 0 } = this.replica.leader ?? {};
    this.from('b', this.ackMessage(epoch, this.replica.durable.lastSeq, round));
    return outcomes;
  }

  /** Makes it the primary of `epoch`, with both backups level. */
  serve(epoch: number): void {
    this.lead(epoch);
    this.publish({ epoch });
    this.settle();
    this.sent.length = 0;
  }

  /** An attempt that both backups have joined, and that no ring names yet. */
  lead(epoch: number): void {
    this.fence(epoch);
    const { syncedEpoch, lastSeq } = this.replica.durable;
    const items: ControlRequestOf<'lead'>['items'] = [{ partition: 0, syncedEpoch, lastSeq, voters }];
    this.worker.controllerRequest('controller', {
      type: 'lead',
      requestId: 2,
      epoch,
      storeId: 'store-a',
      items,
    });
    this.settle();
    for (const { id } of voters.slice(1)) this.from(id, this.ackMessage(epoch, lastSeq));
  }

  fence(epoch: number): void {
    const { ringVersion } = this;
    const head = { type: 'fence', requestId: 1, ringVersion } as const;
    this.worker.controllerRequest('controller', { ...head, epoch, partitions: [0] });
    this.settle();
  }

  publish(changed: Partial<PartitionRecord> & { epoch: number }): void {
    this.ringVersion += 1;
    const primary = { id: 'a', storeId: 'store-a', bootCount: 1 };
    const record: PartitionRecord = { attempt: changed.epoch, primary, voters, learners: [], ...changed };
    const ring: RingRecord = {
      formatVersion: 1,
      clusterId: 'test',
      version: this.ringVersion,
      epochCounter: 100,
      partitionCount: 1,
      replicationFactor: 3,
      members: {},
      partitions: [record],
    };
    this.worker.controllerRequest('controller', { type: 'ring', payload: encodeRing(ring) });
  }
}
