/**
 * What the parts of the replica machine share: who this worker is, the time of the step, the ring, the
 * replicas, and the list of effects that the step leaves behind. No part keeps state elsewhere.
 */
import { assert } from '../assert.js';
import type { Limits } from '../limits.js';
import type { Checksum, Entry } from '../protocol/entry.js';
import type { LogCommand, LogResult, PeerRun } from '../protocol/log-command.js';
import type { PeerMessage } from '../protocol/peer-message.js';
import type { WorkerReport } from '../protocol/control-message.js';
import type { PrimaryIdentity, RingRecord, WorkerId } from '../ring/ring-record.js';
import { DiskRoom } from './disk-room.js';
import type { Effect } from './effect.js';
import { KnownRows } from './known-rows.js';
import { Measurements } from './measurements.js';
import { PeerMemory } from './peer-memory.js';
import type { Replica } from './replica.js';
import { newReplica, resetToDurable } from './replica.js';

export interface Instant {
  /** Monotonic milliseconds. */
  now: number;
  /** Milliseconds since 1970; may jump. */
  wall: number;
}

export interface PeerState {
  run: PeerRun;
  /** Its disk is an older image than this worker remembers: nothing it says counts. */
  distrusted: boolean;
  heardAt: number;
}

export interface ControllerState {
  /** Versions of the replicas' reports that this controller has seen. */
  reported: Map<number, number>;
  full: boolean;
}

export interface Self extends PrimaryIdentity {
  runId: string;
}

export class Context {
  now = 0;
  wall = 0;
  /**
   * Time of the step before: for the test build, which checks a lease before the read instead of after it.
   */
  earlier = 0;
  effects: Effect[] = [];
  ring: RingRecord | null = null;
  readonly replicas = new Map<number, Replica>();
  /** Connected peers. */
  readonly peers = new Map<WorkerId, PeerState>();
  readonly peerMemory = new PeerMemory();
  readonly controllers = new Map<string, ControllerState>();
  readonly deleted = new Set<number>();
  /** The tables lag so far behind the logs that nothing new is taken, looked at in every tick. */
  lagging = false;
  /** Of entries that came into memory since that was looked at; Infinity asks for a count of all. */
  takenBytes = Infinity;
  leaving = false;
  stopped = false;
  /** Before this no fence is answered: grants that were forgotten at the restart may still run. */
  quietUntil = 0;
  /** Only grants for requests sent after this count: the clocks were found apart then. */
  leasesFrom = -Infinity;
  copyCounter = 0;
  /** Full copies that this worker is sending, of all partitions. */
  copiesSent = 0;
  readonly room = new DiskRoom(this);
  readonly known: KnownRows;
  /** Leaders with something to hand out. */
  dirty: Replica[] = [];

  constructor(
    readonly self: Self,
    readonly clusterId: string,
    readonly limits: Limits,
    readonly checksum: Checksum,
    readonly measured = new Measurements(),
  ) {
    this.known = new KnownRows(limits.knownRowsBytesMax);
  }

  takeEffects(): Effect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  send(peer: WorkerId, message: PeerMessage): void {
    this.effects.push({ type: 'send', peer, message });
  }

  report(controller: string, report: WorkerReport): void {
    this.effects.push({ type: 'report', controller, report });
  }

  note(message: string, fields: Record<string, string | number | boolean> = {}): void {
    this.effects.push({ type: 'note', message, fields });
  }

  answer(done: () => void): void {
    this.effects.push({ type: 'answer', done });
  }

  wantFlush(replica: Replica): void {
    if (replica.isDirty) return;
    replica.isDirty = true;
    if (this.dirty.length === 0) this.effects.push({ type: 'flush' });
    this.dirty.push(replica);
  }

  /** An entry is in memory from now on, and soon on the disk. */
  took(entry: Entry): void {
    this.takenBytes += entry.bytes.length;
    this.room.took(entry.bytes.length);
  }

  stop(reason: string, disown: boolean): void {
    this.stopped = true;
    this.effects.push({ type: 'stop', reason, disown });
  }

  replica(partition: number): Replica {
    let replica = this.replicas.get(partition);
    if (replica === undefined) {
      replica = newReplica(partition);
      this.replicas.set(partition, replica);
      this.deleted.delete(partition);
    }
    return replica;
  }

  isPartition(partition: number): boolean {
    return this.ring === null || partition < this.ring.partitionCount;
  }

  changed(replica: Replica): void {
    replica.reportVersion += 1;
  }

  /**
   * Hands a command of one replica to the log's writer. A failure puts the replica's memory back to the disk.
   */
  persist(
    replica: Replica,
    command: LogCommand,
    after: { done: () => void; failed: (result: LogResult) => void },
  ): void {
    assert(!replica.stalled, 'a stalled replica issues nothing', { partition: replica.partition });
    replica.writesUnderWay += 1;
    this.emit({
      type: 'log',
      command,
      done: (result) => {
        replica.writesUnderWay -= 1;
        this.tried(result);
        if (result.status === 'done') {
          after.done();
        } else {
          if (result.status === 'refused') {
            this.note('log refused a command', { command: command.type, reason: result.reason });
          }
          replica.stalled = true;
          after.failed(result);
        }
        if (replica.stalled && replica.writesUnderWay === 0) {
          resetToDurable(replica);
          this.takenBytes = Infinity;
        }
      },
    });
  }

  /** A command whose outcome nothing waits for. */
  jot(command: LogCommand): void {
    this.emit({ type: 'log', command, done: (result) => this.tried(result) });
  }

  private tried({ status }: LogResult): void {
    if (status !== 'refused') this.room.tried(status === 'full');
  }
}
