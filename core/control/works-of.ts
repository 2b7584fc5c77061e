/**
 * What is going on, for a person: reconfigurations under way, replicas that are being filled, and lost
 * workers whose replicas will be rebuilt elsewhere, with how far each has come.
 */
import type { WorkPicture } from '../picture/cluster-picture.js';
import type { WorkerId } from '../ring/ring-record.js';
import type { PlanView } from './plan-view.js';
import { servingReport } from './plan-view.js';
import type { Reconfiguration } from './reconfiguration.js';
import { isSettled } from './reconfiguration-item.js';
import { isFit } from './worker-facts.js';

export function worksOf(view: PlanView, batches: readonly Reconfiguration[]): WorkPicture[] {
  return [...reconfigurations(view, batches), ...copies(view), ...absences(view)];
}

const nothingKnown = { done: 0, elapsedMs: null, remainingMs: null, lagEntries: 0 };

/** Those of one kind together: a person sees one failover, in however many batches. */
function reconfigurations(view: PlanView, batches: readonly Reconfiguration[]): WorkPicture[] {
  const works = new Map<string, WorkPicture>();
  for (const batch of batches) {
    if (batch.kind === null) continue;
    const items = [...batch.items.values()];
    const known = works.get(batch.kind);
    const elapsedMs = Math.round(view.now - batch.startedAt);
    works.set(batch.kind, {
      ...nothingKnown,
      kind: batch.kind,
      worker: '',
      partitions: (known?.partitions ?? 0) + items.length,
      done: (known?.done ?? 0) + items.filter(isSettled).length,
      elapsedMs: Math.max(known?.elapsedMs ?? 0, elapsedMs),
    });
  }
  return [...works.values()];
}

function copies(view: PlanView): WorkPicture[] {
  const works = new Map<WorkerId, WorkPicture>();
  view.record.partitions.forEach(({ learners }, partition) => {
    for (const { id, storeId } of learners) {
      const level = servingReport(view, partition)?.levels.find(
        (entry) => entry.id === id && entry.storeId === storeId,
      );
      const known = works.get(id) ?? { ...nothingKnown, kind: 'copy', worker: id, partitions: 0 };
      works.set(id, {
        ...known,
        partitions: known.partitions + 1,
        done: known.done + (level?.level === true ? 1 : 0),
        lagEntries: Math.max(known.lagEntries, level?.lag ?? 0),
      });
    }
  });
  return [...works.values()];
}

function absences(view: PlanView): WorkPicture[] {
  const { replacementDelayMs } = view.limits;
  const fit = view.workers.all().filter(isFit).length;
  const works: WorkPicture[] = [];
  for (const { id, deadAt, liveness } of view.workers.all()) {
    if (liveness !== 'dead' || deadAt === null) continue;
    const partitions = view.record.partitions.filter(({ voters }) => voters.some((voter) => voter.id === id));
    if (partitions.length === 0) continue;
    // Whole seconds: it lasts long enough for that, and the picture changes less often.
    const elapsedMs = Math.floor((view.now - deadAt) / 1_000) * 1_000;
    const remainingMs = Math.max(0, replacementDelayMs - elapsedMs);
    works.push({
      ...nothingKnown,
      ...{ kind: 'absence', worker: id, partitions: partitions.length, elapsedMs },
      remainingMs: fit >= view.record.replicationFactor ? remainingMs : null,
    });
  }
  return works;
}
