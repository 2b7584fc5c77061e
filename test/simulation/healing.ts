/** When is a cluster whole again? And what do its replicas hold then? */
import type { PartitionRecord } from '../../core/ring/ring-record.js';
import type { FinalPartition, FinalReplica } from './judges/final-state.js';
import type { WorkerNode } from './worker-node.js';
import type { World } from './world.js';

/** What is still missing; undefined if every partition is fully replicated, served, and level everywhere. */
export function differenceFromWhole(world: World): string | undefined {
  const { ring, profile } = world;
  if (ring === null) return 'no ring';
  const down = world.nodes.find((node) => node.run === null);
  if (down !== undefined) return `${down.id} is down`;
  for (const [partition, record] of ring.partitions.entries()) {
    const difference = partitionDifference(world, partition, record, profile.replicationFactor);
    if (difference !== undefined) return `partition ${partition}: ${difference}`;
  }
  return undefined;
}

function partitionDifference(
  world: World,
  partition: number,
  record: PartitionRecord,
  replicationFactor: number,
): string | undefined {
  if (record.epoch === 0) return 'not configured yet';
  if (record.attempt !== record.epoch) return `attempt ${record.attempt} is under way`;
  if (record.voters.length !== replicationFactor) return `${record.voters.length} voters`;
  if (record.learners.length > 0) return `${record.learners.length} learners`;
  let level: string | undefined;
  for (const voter of record.voters) {
    const run = world.node(voter.id)?.run ?? null;
    if (world.olderStores.has(voter.storeId)) return `${voter.id} has an older image of its disk`;
    if (run?.identity.storeId !== voter.storeId) return `${voter.id} has another store`;
    const replica = run.worker.inspect().find((found) => found.partition === partition);
    if (replica === undefined) return `${voter.id} has no replica`;
    const { lastSeq, syncedEpoch, appliedSeq } = replica;
    if (voter.id === record.primary.id && replica.leader?.active !== true)
      return `${voter.id} does not serve`;
    if (appliedSeq !== lastSeq) return `${voter.id} has applied ${appliedSeq} of ${lastSeq}`;
    const position = `${syncedEpoch}/${lastSeq}`;
    level ??= position;
    if (level !== position) return `positions ${level} and ${position}`;
    if (syncedEpoch !== record.epoch) return `${voter.id} is synced in ${syncedEpoch}, not ${record.epoch}`;
  }
  return undefined;
}

export function finalPartitions(world: World): FinalPartition[] {
  return (world.ring?.partitions ?? []).map((record, partition) => ({
    partition,
    replicas: record.voters.flatMap(({ id }) => {
      const node = world.node(id);
      return node === undefined ? [] : [finalReplica(node, partition)];
    }),
  }));
}

function finalReplica({ id, disk }: WorkerNode, partition: number): FinalReplica {
  const { engine } = disk;
  const log = engine.logView(partition) ?? {
    partition,
    promisedEpoch: 0,
    syncedEpoch: 0,
    epochStarts: [],
    baseSeq: 0,
    lastSeq: 0,
    forgotten: false,
  };
  return {
    worker: id,
    log,
    table: engine.tableView(partition),
    entryAt: (seq) => {
      const entry = engine.logEntry(partition, seq);
      return entry === null ? null : `${entry.epoch} ${Buffer.from(entry.bytes).toString('latin1')}`;
    },
  };
}

/** Every replica in one line each, for the trace of a run that did not become whole. */
export function describeReplicas(world: World): string[] {
  return world.nodes.flatMap(({ id, run }) =>
    (run?.worker.inspect() ?? []).map((replica) => {
      const shown = JSON.stringify(replica, (key, value: unknown) => {
        if (key === 'tail' || key === 'gathered' || key === 'rows') return undefined;
        return value instanceof Map ? [...(value as Map<unknown, unknown>).values()] : value;
      });
      return `${id} ${shown}`;
    }),
  );
}
