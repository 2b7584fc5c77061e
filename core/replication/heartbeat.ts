/**
 * What a worker tells its controllers: everything once, then what has changed; and which peers it hears.
 */
import type { ReplicaReport } from '../protocol/control-message.js';
import type { Context, ControllerState } from './context.js';
import type { Progress } from './leader.js';
import { isServing } from './lease.js';
import type { Replica } from './replica.js';

/** A follower this close counts as level. */
const levelLagMax = 4_096;

function isLevel(replica: Replica, { synced, state, matchSeq }: Progress): boolean {
  return synced && state === 'level' && replica.lastSeq - matchSeq <= levelLagMax;
}

export function replicaReport(replica: Replica): ReplicaReport {
  const serving = isServing(replica);
  const levels = [];
  for (const progress of replica.leader?.peers.values() ?? []) {
    const lag = Math.max(0, replica.lastSeq - progress.matchSeq);
    levels.push({ id: progress.id, storeId: progress.storeId, level: isLevel(replica, progress), lag });
  }
  return {
    partition: replica.partition,
    promisedEpoch: replica.promisedEpoch,
    syncedEpoch: replica.durable.syncedEpoch,
    lastSeq: replica.durable.lastSeq,
    commitSeq: replica.commitSeq,
    appliedSeq: replica.appliedSeq,
    serving,
    levels,
    damaged: replica.damaged,
    copying: (replica.receiver?.copy ?? null) !== null,
  };
}

export class Heartbeat {
  private dueAt = -Infinity;
  private isHurried = false;

  constructor(private readonly context: Context) {}

  tick(): void {
    const { now, limits } = this.context;
    const { heartbeatMs, tickMs } = limits;
    // A tick that comes a moment early must not leave it to the next, which at rest is far away.
    const isDue = now >= this.dueAt - tickMs / 2;
    if (!isDue && !this.isHurried) return;
    this.isHurried = false;
    // In step, so that neither a late one nor one out of turn puts off those after it.
    if (isDue) this.dueAt = Math.max(this.dueAt + heartbeatMs, now + heartbeatMs / 2);
    for (const [controller, state] of this.context.controllers) this.send(controller, state);
    this.context.deleted.clear();
  }

  /** At once, when something happened that the controller waits for. */
  hurry(): void {
    this.isHurried = true;
  }

  private send(controller: string, state: ControllerState): void {
    const { context } = this;
    const replicas: ReplicaReport[] = [];
    for (const replica of context.replicas.values()) {
      this.noteLevels(replica);
      if (!state.full && state.reported.get(replica.partition) === replica.reportVersion) continue;
      state.reported.set(replica.partition, replica.reportVersion);
      replicas.push(replicaReport(replica));
    }
    const { storeId, bootCount, runId } = context.self;
    context.report(controller, {
      type: 'heartbeat',
      storeId,
      bootCount,
      runId,
      ringVersion: context.ring?.version ?? 0,
      full: state.full,
      replicas,
      deleted: [...context.deleted],
      peers: this.reachability(),
      leaving: context.leaving,
      diskFull: context.room.isLacking,
    });
    state.full = false;
  }

  /** With time alone a follower falls far behind: whether it has is found where it is told. */
  private noteLevels(replica: Replica): void {
    for (const progress of replica.leader?.peers.values() ?? []) {
      const found = isLevel(replica, progress);
      if (found === progress.toldLevel) continue;
      progress.toldLevel = found;
      this.context.changed(replica);
    }
  }

  private reachability() {
    const { context } = this;
    return Object.keys(context.ring?.members ?? {})
      .filter((id) => id !== context.self.id)
      .map((id) => {
        const peer = context.peers.get(id);
        const silentMs = peer === undefined ? 0 : Math.max(0, context.now - peer.heardAt);
        return { id, connected: peer !== undefined && !peer.distrusted, silentMs };
      });
  }
}
