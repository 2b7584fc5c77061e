/** A partition in a sentence. */
import type { ClusterPicture, PartitionPicture } from '../core/picture/cluster-picture.js';
import { listed, partitionWords } from './words.js';

export function describePartition(
  { workers }: ClusterPicture,
  partitions: readonly PartitionPicture[],
  partition: number,
): string {
  const found = partitions[partition];
  if (found === undefined) return `Partition ${partition} is not known`;
  const nameOf = (index: number) => workers[index]?.id ?? 'a worker that is gone';
  const backups = found.voters.filter((index) => index !== found.primary).map(nameOf);
  const state = `${partitionWords[found.state]}${found.moving ? ', moving' : ''}`;
  if (found.epoch === 0) return `Partition ${partition}: ${state}`;
  const learners = found.learners.length === 0 ? '' : `; being filled: ${listed(found.learners.map(nameOf))}`;
  const others = backups.length === 0 ? 'no backup' : `backups ${listed(backups)}`;
  const primary = nameOf(found.primary);
  return `Partition ${partition}: ${state}. Primary ${primary}, ${others}${learners}. Epoch ${found.epoch}.`;
}
