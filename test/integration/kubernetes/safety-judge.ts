/**
 * Judges what operators do, at the moment they do it: no pod is ended on purpose, and no worker taken out of
 * the StatefulSet, that leaves a partition with fewer than two level voters; no ring is written that a
 * majority does not hold.
 */
import type { StatefulSet } from '../../../operator/kubernetes/api-objects.js';
import { isTerminating } from '../../../operator/kubernetes/api-objects.js';
import type { Change } from '../../support/fake-api/fake-api-server.js';
import { commitQuorum, hasIdentity } from '../../../core/ring/ring-record.js';
import type { Identity, RingRecord } from '../../../core/ring/ring-record.js';
import type { ModelCluster } from './model-cluster.js';

export class SafetyJudge {
  readonly violations: string[] = [];
  /** What the test itself does is not the operator's. */
  suspended = false;
  private ring: RingRecord | null = null;
  private readonly ending = new Set<string>();

  constructor(private readonly cluster: ModelCluster) {
    cluster.api.listen((change) => this.see(change));
  }

  private see({ collection, type, object }: Change): void {
    const { name, uid } = object.metadata;
    if (collection === 'api/v1/pods' && isTerminating(object) && !this.ending.has(uid)) {
      this.ending.add(uid);
      if (type === 'MODIFIED' && !this.suspended) this.judgeEnd(name);
    }
    if (collection === 'apis/apps/v1/statefulsets' && type === 'MODIFIED') this.judgeReplicas(object);
    if (collection === 'api/v1/configmaps') this.judgeRing(type === 'DELETED' ? null : this.cluster.ring());
  }

  private judgeEnd(pod: string): void {
    const worker = this.cluster.workers.get(pod);
    if (worker?.alive !== true) return;
    this.ring?.partitions.forEach((record, partition) => {
      const level = record.voters.filter((voter) => this.isLevel(voter, partition, record.epoch));
      if (record.epoch === 0 || !level.some(({ id }) => id === pod)) return;
      const left = level.filter(({ id }) => id !== pod && !this.isEnding(id));
      if (left.length < 2)
        this.tell(`${pod} is ended, which leaves ${left.length} level voters to partition ${partition}`);
    });
  }

  private isEnding(id: string): boolean {
    return this.cluster.pods().some((pod) => pod.metadata.name === id && isTerminating(pod));
  }

  private judgeReplicas({ spec }: StatefulSet): void {
    const replicas = spec?.replicas ?? 0;
    for (const { voters, learners } of this.ring?.partitions ?? []) {
      for (const { id } of [...voters, ...learners]) {
        if (Number(id.split('-').at(-1)) >= replicas) this.tell(`${id} is removed and still holds replicas`);
      }
    }
  }

  private isLevel({ id, storeId }: Identity, partition: number, epoch: number): boolean {
    const worker = this.cluster.workers.get(id);
    if (worker?.alive !== true || worker.storeId !== storeId) return false;
    return (worker.replicas.get(partition)?.syncedEpoch ?? -1) >= epoch;
  }

  private judgeRing(next: RingRecord | null): void {
    const before = this.ring;
    this.ring = next;
    if (
      next !== null &&
      before !== null &&
      next.version <= before.version &&
      next.epochCounter < before.epochCounter
    ) {
      this.tell('the ring went back');
    }
    next?.partitions.forEach((record, partition) => {
      const former = before?.partitions[partition]?.epoch ?? 0;
      if (record.epoch === former) return;
      if (record.epoch < former) this.tell(`the epoch of ${partition} fell`);
      if (!hasIdentity(record.voters, record.primary)) this.tell(`the primary of ${partition} is no voter`);
      const level = record.voters.filter((voter) => {
        const worker = this.cluster.workers.get(voter.id);
        const replica = worker?.storeId === voter.storeId ? worker.replicas.get(partition) : undefined;
        return (
          replica !== undefined &&
          replica.syncedEpoch >= record.epoch &&
          this.holdsAll(replica.log, partition)
        );
      });
      if (level.length < commitQuorum(record.voters.length))
        this.tell(`partition ${partition}: no majority is level`);
    });
  }

  private holdsAll(log: readonly string[], partition: number): boolean {
    return (this.cluster.acknowledged.get(partition) ?? []).every((mark) => log.includes(mark));
  }

  private tell(violation: string): void {
    this.violations.push(`${Math.round(this.cluster.now)} ms: ${violation}`);
  }
}
