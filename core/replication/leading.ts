/**
 * Becoming, being and ceasing to be the leader of a partition: the controller's order starts an attempt, the
 * ring record makes it true, a higher promise, a newer record or the failure of the own disk ends it.
 */
import type { ControlRequestOf, WorkerReportOf } from '../protocol/control-message.js';
import { entryContent, entryKey } from '../protocol/entry.js';
import type { Identity, PartitionRecord } from '../ring/ring-record.js';
import { hasIdentity, storeKey } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Applier } from './apply.js';
import { acksOf } from './apply.js';
import type { Context } from './context.js';
import type { CopySender } from './copy-sender.js';
import type { Leader } from './leader.js';
import { addToOverlay, keyText, setConfiguration } from './leader.js';
import type { Replica, UnresolvedWrite } from './replica.js';
import { hasEntry, lastLogTime } from './replica.js';
import type { WriteDone } from './effect.js';
import { notApplied } from './serving.js';

const epochStartsMax = 1_024;

type LeadingItem = WorkerReportOf<'leading'>['items'][number];
type LeadItem = ControlRequestOf<'lead'>['items'][number];

export class Leading {
  constructor(
    private readonly context: Context,
    private readonly applier: Applier,
    private readonly copies: CopySender,
  ) {}

  lead(controller: string, request: ControlRequestOf<'lead'>): void {
    const items: LeadingItem[] = [];
    for (const item of request.items) {
      if (!this.context.isPartition(item.partition)) continue;
      const replica = this.context.replica(item.partition);
      const order = { controller, requestId: request.requestId };
      const current = replica.leader;
      if (current?.epoch === request.epoch) {
        current.order = order;
        items.push(this.progressItem(replica, current));
        continue;
      }
      const refused = this.refusal(replica, request, item);
      if (refused === '') this.start(replica, request.epoch, item.voters, order);
      else items.push({ partition: item.partition, refused, synced: [], progress: 0 });
    }
    if (items.length > 0) this.reportItems(controller, request.requestId, request.epoch, items);
  }

  private refusal(replica: Replica, request: ControlRequestOf<'lead'>, item: LeadItem): string {
    const { durable } = replica;
    if (replica.stalled || replica.deleting || replica.tableBusy) return 'busy';
    if (replica.forgotten) return 'lost its table';
    if (replica.promisedEpoch > request.epoch) return 'promised a higher epoch';
    if (replica.lostPlaceEpoch >= request.epoch) return 'lost its place';
    if (!holds('lead-names-choice')) return '';
    if (request.storeId !== this.context.self.storeId) return 'another store';
    if (durable.promisedEpoch !== request.epoch) return 'did not promise this epoch';
    const same = durable.syncedEpoch === item.syncedEpoch && durable.lastSeq === item.lastSeq;
    return same && replica.lastSeq === item.lastSeq ? '' : 'not the log that was chosen';
  }

  private start(replica: Replica, epoch: number, voters: Identity[], order: Leader['order']): void {
    replica.receiver = null;
    this.context.measured.epochsStarted += 1;
    const startSeq = replica.lastSeq + 1;
    const leader: Leader = {
      epoch,
      startSeq,
      ready: false,
      active: false,
      voters,
      learners: [],
      peers: new Map(),
      round: 0,
      loggedSeq: replica.lastSeq,
      handedOut: [],
      pending: [],
      pendingBytes: 0,
      reads: [],
      overlay: new Map(),
      term: this.context.known.newTerm(),
      idempotency: new Map(),
      logTime: lastLogTime(replica),
      readAt: -Infinity,
      hold: null,
      wantsRound: false,
      order,
      progress: 0,
    };
    setConfiguration(leader, this.context.self.id, { voters, learners: [] }, startSeq, this.context.now);
    // Epochs in which nothing was written tell nothing: dropped, or attempts that fail for hours would pile
    // up.
    const written = replica.epochStarts.filter(({ firstSeq }) => firstSeq < startSeq);
    const epochStarts = [...written.slice(1 - epochStartsMax), { epoch, firstSeq: startSeq }];
    replica.leader = leader;
    replica.syncedEpoch = epoch;
    replica.epochStarts = epochStarts;
    replica.undo = { tail: [...replica.tail], tailBase: replica.tailBase };
    const { partition } = replica;
    this.context.persist(
      replica,
      { type: 'sync', partition, epoch, cutTo: startSeq - 1, epochStarts, entries: [], copy: null },
      {
        done: () => {
          replica.undo = null;
          Object.assign(replica.durable, { syncedEpoch: epoch, epochStarts });
          leader.ready = true;
          this.context.changed(replica);
          this.context.wantFlush(replica);
          if (replica.leader === leader) this.attemptProgressed(replica, leader);
        },
        failed: () => this.stepDown(replica, 'its own sync failed'),
      },
    );
  }

  /** Tells the controller how far the attempt has come. */
  attemptProgressed(replica: Replica, leader: Leader): void {
    const { controller, requestId } = leader.order;
    this.reportItems(controller, requestId, leader.epoch, [this.progressItem(replica, leader)]);
  }

  private progressItem(replica: Replica, leader: Leader): LeadingItem {
    const { id, storeId } = this.context.self;
    const synced: Identity[] = leader.ready ? [{ id, storeId }] : [];
    for (const progress of leader.peers.values()) {
      if (progress.synced) synced.push({ id: progress.id, storeId: progress.storeId });
    }
    return { partition: replica.partition, refused: '', synced, progress: leader.progress };
  }

  private reportItems(controller: string, requestId: number, epoch: number, items: LeadingItem[]): void {
    const { storeId, bootCount } = this.context.self;
    this.context.report(controller, { type: 'leading', requestId, epoch, storeId, bootCount, items });
  }

  /** The ring record names this configuration: everything it holds is committed, and it serves. */
  activate(replica: Replica, leader: Leader, record: PartitionRecord): void {
    leader.active = true;
    this.context.measured.epochsServed += 1;
    this.configure(replica, leader, record);
    replica.commitSeq = Math.max(replica.commitSeq, leader.startSeq - 1);
    for (const entry of replica.tail) {
      if (entry.seq <= replica.appliedSeq) continue;
      addToOverlay(leader, keyText(entryKey(entry)), entry.seq);
      const { idempotencyKey } = entryContent(entry);
      if (idempotencyKey !== '') leader.idempotency.set(idempotencyKey, entry.seq);
    }
    this.applier.wake(replica);
    const { partition } = replica;
    this.context.note('serving', { partition, epoch: leader.epoch, lastSeq: replica.lastSeq });
  }

  /** Voters or learners changed within the epoch. */
  configure(replica: Replica, leader: Leader, record: PartitionRecord): void {
    const nextSeq = replica.lastSeq + 1;
    const gone = setConfiguration(leader, this.context.self.id, record, nextSeq, this.context.now);
    for (const progress of gone) this.copies.end(progress);
    this.context.changed(replica);
    this.context.wantFlush(replica);
    for (const progress of leader.peers.values()) progress.sentAt = -Infinity;
  }

  /** May it serve: the record names this very run of this store, and nothing higher was promised. */
  isNamed(replica: Replica, record: PartitionRecord): boolean {
    const { self } = this.context;
    if (record.primary.id !== self.id || record.primary.storeId !== self.storeId) return false;
    const sameRun = record.primary.bootCount === self.bootCount || !holds('restart-loses-place');
    if (!sameRun && holds('boot-count-in-record')) return false;
    if (replica.durable.syncedEpoch !== record.epoch || replica.lostPlaceEpoch >= record.epoch) return false;
    return replica.promisedEpoch <= record.epoch || !holds('fenced-primary-stops');
  }

  /** For the test build: a restarted primary that goes on as if nothing had happened. */
  resume(replica: Replica, record: PartitionRecord): void {
    const start = replica.epochStarts.find(({ epoch }) => epoch === record.epoch);
    this.start(replica, record.epoch, record.voters, { controller: '', requestId: 0 });
    const { leader } = replica;
    if (leader === null) return;
    Object.assign(leader, { ready: true, startSeq: start?.firstSeq ?? leader.startSeq });
  }

  /** It leads no more. What it handed out is unknown until a later configuration shows it. */
  stepDown(replica: Replica, reason: string): void {
    const { leader } = replica;
    if (leader === null) return;
    replica.acks = new Map(acksOf(replica).map((memory) => [storeKey(memory), memory]));
    replica.leader = null;
    this.context.measured.stepDowns += 1;
    const giveUpAt = this.context.now + 2 * this.context.limits.requestDeadlineMs;
    for (const write of leader.pending) {
      for (const done of [write.done, ...write.repeats]) {
        const { seq, created } = write;
        if (seq > leader.loggedSeq) this.context.answer(() => done(notApplied('moved', reason)));
        else replica.unresolved.push({ epoch: leader.epoch, seq, created, giveUpAt, done });
      }
    }
    for (const read of leader.reads) this.context.answer(() => read.refuse(reason));
    for (const progress of leader.peers.values()) this.copies.end(progress);
    this.dropUnlogged(replica, leader);
    this.context.changed(replica);
    const { partition } = replica;
    this.context.note('stepped down', { partition, epoch: leader.epoch, reason });
  }

  /** Entries that were handed to no log and no stream never were. */
  private dropUnlogged(replica: Replica, leader: Leader): void {
    if (leader.loggedSeq >= replica.lastSeq) return;
    replica.tail.length = leader.loggedSeq - replica.tailBase;
    replica.lastSeq = leader.loggedSeq;
  }

  /** Writes whose outcome a recorded configuration tells, once this replica is synced in it. */
  resolve(replica: Replica, record: PartitionRecord): void {
    if (replica.unresolved.length === 0) return;
    const { syncedEpoch } = replica.durable;
    const told = syncedEpoch === record.epoch || !holds('not-applied-needs-ring');
    const settledEpoch = told ? syncedEpoch : 0;
    replica.unresolved = replica.unresolved.filter((write) => {
      if (write.epoch < settledEpoch) return this.settle(replica, write);
      if (this.context.now < write.giveUpAt) return true;
      this.context.answer(() => write.done({ type: 'unknown', reason: 'the primary changed' }));
      return false;
    });
  }

  private settle(replica: Replica, write: UnresolvedWrite): false {
    const { done, epoch, seq, created } = write;
    if (hasEntry(replica, epoch, seq)) this.answerApplied(replica, done, { epoch, seq }, created);
    else this.context.answer(() => done(notApplied('moved', 'the new primary does not hold it')));
    return false;
  }

  private answerApplied(
    replica: Replica,
    done: WriteDone,
    version: { epoch: number; seq: number },
    created: boolean,
  ): void {
    const { partition } = replica;
    this.context.answer(() =>
      done({ type: 'applied', version, partition, created, replayed: false, acks: 2 }),
    );
  }

  /** The record names this store neither voter nor learner. */
  isIdle(record: PartitionRecord, self: Identity): boolean {
    return !hasIdentity(record.voters, self) && !hasIdentity(record.learners, self);
  }
}
