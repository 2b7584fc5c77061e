/**
 * A model of the log file in memory: the shipping rules (`execute`) on plain maps instead of SQLite. Each
 * transaction is durable when it is over, as `synchronous=FULL` has it; what was in flight at a crash is the
 * simulated disk's business.
 */
import type { Entry } from '../../../core/protocol/entry.js';
import type { LogCommand, LogResult, PeerRun } from '../../../core/protocol/log-command.js';
import { PeerMemory } from '../../../core/replication/peer-memory.js';
import { execute } from '../../../node/storage/log-rules.js';
import type { LogReplica, LogTransaction } from '../../../node/storage/log-rules.js';
import type { ReplicaRow } from '../../../node/storage/log-columns.js';
import { EntryPlaces } from '../../../node/storage/entry-places.js';

interface StoredReplica {
  row: LogReplica;
  entries: Map<number, Entry>;
}

export class ModelLog implements LogTransaction {
  bootCount = 0;
  leaseMs = 0;
  ringVersion = 0;
  ring: Uint8Array | null = null;
  readonly peerMemory = new PeerMemory();
  private readonly stored = new Map<number, StoredReplica>();
  private nextId = 1;

  constructor(readonly storeId: string) {}

  commit(commands: LogCommand[]): LogResult[] {
    return commands.map((command) => execute(command, this));
  }

  /** Another log with the same content. */
  copy(): ModelLog {
    const copy = new ModelLog(this.storeId);
    copy.bootCount = this.bootCount;
    copy.leaseMs = this.leaseMs;
    copy.ringVersion = this.ringVersion;
    copy.ring = this.ring;
    copy.nextId = this.nextId;
    for (const run of this.peerMemory.all()) copy.peerMemory.remember(run);
    for (const [partition, { row, entries }] of this.stored) {
      const places = new EntryPlaces(row.baseSeq);
      for (let seq = row.baseSeq + 1; seq <= row.places.lastSeq; seq += 1) places.push((copy.nextId += 1));
      copy.stored.set(partition, { row: { ...row, places }, entries: new Map(entries) });
    }
    return copy;
  }

  partitions(): number[] {
    return [...this.stored.keys()].sort((a, b) => a - b);
  }

  entry(partition: number, seq: number): Entry | null {
    return this.stored.get(partition)?.entries.get(seq) ?? null;
  }

  entriesFrom(partition: number, fromSeq: number, bytesMax: number): Entry[] {
    const found: Entry[] = [];
    let size = 0;
    for (let seq = fromSeq; ; seq += 1) {
      const entry = this.entry(partition, seq);
      if (entry === null || (found.length > 0 && size + entry.bytes.length > bytesMax)) return found;
      found.push({ ...entry, bytes: entry.bytes.slice() });
      size += entry.bytes.length;
    }
  }

  replica(partition: number): LogReplica | undefined {
    return this.stored.get(partition)?.row;
  }

  create(partition: number): LogReplica {
    const row: LogReplica = {
      partition,
      promisedEpoch: 0,
      syncedEpoch: 0,
      epochStarts: [],
      baseSeq: 0,
      commitSeq: 0,
      copyNumber: 0,
      firstRecord: 0,
      forgotten: false,
      acks: [],
      places: new EntryPlaces(0),
    };
    this.stored.set(partition, { row, entries: new Map() });
    return row;
  }

  change(replica: LogReplica, fields: Partial<ReplicaRow>): void {
    Object.assign(replica, structuredClone(fields));
  }

  append(replica: LogReplica, entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.seq > replica.places.lastSeq + 1) replica.places.skipTo(entry.seq - 1);
      replica.places.push((this.nextId += 1));
      this.entriesOf(replica).set(entry.seq, { ...entry, bytes: entry.bytes.slice() });
    }
  }

  cutAfter(replica: LogReplica, seq: number): void {
    const entries = this.entriesOf(replica);
    for (let gone = replica.places.lastSeq; gone > seq; gone -= 1) entries.delete(gone);
    replica.places.cutAfter(seq);
  }

  trimThrough(replica: LogReplica, seq: number): void {
    const entries = this.entriesOf(replica);
    for (let gone = replica.baseSeq + 1; gone <= seq; gone += 1) entries.delete(gone);
    replica.places.forgetThrough(seq);
    replica.baseSeq = seq;
  }

  empty(replica: LogReplica, afterSeq: number): void {
    this.entriesOf(replica).clear();
    replica.places = new EntryPlaces(afterSeq);
    replica.baseSeq = afterSeq;
  }

  erase(replica: LogReplica): void {
    this.stored.delete(replica.partition);
  }

  keepRing(version: number, bytes: Uint8Array): void {
    if (version <= this.ringVersion) return;
    this.ringVersion = version;
    this.ring = bytes.slice();
  }

  keepLease(leaseMs: number): void {
    this.leaseMs = Math.max(this.leaseMs, leaseMs);
  }

  keepPeerRun(run: PeerRun): void {
    this.peerMemory.remember(run);
  }

  private entriesOf(replica: LogReplica): Map<number, Entry> {
    const stored = this.stored.get(replica.partition);
    if (stored === undefined) throw new Error('a replica that is changed is stored');
    return stored.entries;
  }
}
