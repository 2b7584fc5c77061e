/**
 * The status of a KvorumCluster: one phase in words, one sentence that says what is awaited, and conditions
 * for whoever waits for one of them. Everything follows from what is seen now, except for when a condition
 * last changed.
 */
import { noPartitions } from '../../core/control/cluster-status.js';
import type { PartitionCounts } from '../../core/control/cluster-status.js';
import type { Condition } from './api-objects.js';
import type { KvorumCluster } from './cluster-spec.js';
import { clusterStory } from './cluster-story.js';
import type { ClusterStory, StoryFacts } from './cluster-story.js';
import { toldCounts } from './observation.js';
import { selectorText, workerSelector } from './object-names.js';

type ToldCounts = Omit<PartitionCounts, 'settling'>;

export interface KvorumClusterStatus {
  observedGeneration: number;
  phase: string;
  message: string;
  ready: string;
  replicated: string;
  replicas: number;
  readyWorkers: number;
  selector: string;
  image: string;
  ringVersion: number;
  partitions: ToldCounts;
  conditions: Required<Condition>[];
}

/** Null while nothing can be said that is better than what stands there. */
export function planStatus(facts: StoryFacts): KvorumClusterStatus | null {
  const { observation, view, scale } = facts;
  const { cluster, controller } = observation;
  const before = cluster.status as Partial<KvorumClusterStatus> | undefined;
  const unsure = controller?.settled !== true && cluster.problems.length === 0;
  if (unsure && before?.phase !== undefined) return null;
  const story = clusterStory(facts);
  const readyWorkers = view.workers.filter(
    ({ podReady, ordinal }) => podReady && ordinal < scale.wanted,
  ).length;
  const partitions = partitionsOf(facts);
  return {
    observedGeneration: cluster.generation,
    phase: story.phase,
    message: story.message,
    ready: `${readyWorkers}/${scale.wanted}`,
    replicated: `${partitions.fullyReplicated}/${partitions.total}`,
    replicas: view.workers.filter(({ pod, terminating }) => pod !== null && !terminating).length,
    readyWorkers,
    selector: selectorText(workerSelector(cluster.name)),
    image: cluster.spec.image,
    ringVersion: controller?.status.ringVersion ?? 0,
    partitions,
    conditions: conditionsOf(cluster, story, observation.wallMs),
  };
}

function partitionsOf({ observation }: StoryFacts): ToldCounts {
  const { cluster, controller } = observation;
  const { settling: _settling, ...counts } = toldCounts(controller) ?? noPartitions;
  return { ...counts, total: counts.total === 0 ? cluster.spec.partitions : counts.total };
}

function conditionsOf(cluster: KvorumCluster, story: ClusterStory, wallMs: number): Required<Condition>[] {
  const before = (cluster.status as { conditions?: Condition[] } | undefined)?.conditions ?? [];
  const now = new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return story.conditions.map(({ type, status, reason, message }) => {
    const known = before.find((condition) => condition.type === type);
    const since = known?.status === status ? known.lastTransitionTime : undefined;
    const { generation: observedGeneration } = cluster;
    return { type, status, reason, message, observedGeneration, lastTransitionTime: since ?? now };
  });
}

/** Whether writing it would tell anybody something new. */
export function sameStatus(status: KvorumClusterStatus, before: unknown): boolean {
  return canonical(status) === canonical(before);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
