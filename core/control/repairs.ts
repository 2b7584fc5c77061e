/** What is left to do until the placement is as wished, in replicas: for people to look at. */
import type { PlanView } from './plan-view.js';
import { lossOf } from './plan-replacement.js';

export interface Repairs {
  /** To be made anew: their workers or stores are gone, or there are too few. */
  missing: number;
  /** Whole where they are, and wished elsewhere. */
  misplaced: number;
  /** Being filled. */
  joining: number;
  damaged: number;
}

export function repairsOf(view: PlanView): Repairs {
  const repairs = { missing: 0, misplaced: 0, joining: 0, damaged: 0 };
  view.record.partitions.forEach(({ voters, learners }, partition) => {
    const lost = voters.filter((voter) => lossOf(view, voter) !== '');
    const kept = voters.filter((voter) => !lost.includes(voter));
    const wished = view.wished?.[partition]?.voters ?? [];
    const absent = wished.filter((id) => !kept.some((voter) => voter.id === id)).length;
    const few = Math.max(0, view.record.replicationFactor - kept.length);
    const missing = Math.min(absent, few);
    repairs.missing += missing;
    repairs.misplaced += absent - missing;
    repairs.joining += learners.length;
  });
  for (const { replicas } of view.workers.all()) {
    for (const { damaged } of replicas.values()) if (damaged) repairs.damaged += 1;
  }
  return repairs;
}
