/**
 * The requests of a reconfiguration: one message per worker, whatever the number of partitions.
 */
import type { ControlRequest, ControlRequestOf } from '../protocol/control-message.js';
import type { WorkerId } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Item } from './reconfiguration-item.js';

export interface Addressed {
  worker: WorkerId;
  request: ControlRequest;
}

export function holdRequests(items: readonly Item[], requestId: number): Addressed[] {
  const byPrimary = new Map<WorkerId, ControlRequestOf<'hold'>>();
  for (const { order, base } of items) {
    if (order.holdFor === null) continue;
    const request = byPrimary.get(base.primary.id) ?? { type: 'hold', requestId, items: [] };
    request.items.push({ partition: order.partition, epoch: base.epoch, target: order.holdFor });
    byPrimary.set(base.primary.id, request);
  }
  return addressed(byPrimary);
}

/** To every voter that has not answered yet. */
export function fenceRequests(
  items: readonly Item[],
  head: { requestId: number; ringVersion: number; epoch: number },
): Addressed[] {
  const byWorker = new Map<WorkerId, ControlRequestOf<'fence'>>();
  for (const { order, base, answers } of items) {
    const fenced = holds('voters-only') ? base.voters : [...base.voters, ...base.learners];
    for (const { id } of fenced) {
      if (answers.has(id)) continue;
      const request = byWorker.get(id) ?? { type: 'fence', ...head, partitions: [] };
      request.partitions.push(order.partition);
      byWorker.set(id, request);
    }
  }
  return addressed(byWorker);
}

export function leadRequests(
  items: readonly Item[],
  head: { requestId: number; epoch: number },
): Addressed[] {
  const byStore = new Map<string, { worker: WorkerId; request: ControlRequestOf<'lead'> }>();
  for (const { order, chosen, voters } of items) {
    if (chosen === null) continue;
    const { id: worker, storeId, syncedEpoch, lastSeq } = chosen;
    const key = `${worker} ${storeId}`;
    const lead = byStore.get(key) ?? { worker, request: { type: 'lead', ...head, storeId, items: [] } };
    lead.request.items.push({ partition: order.partition, syncedEpoch, lastSeq, voters });
    byStore.set(key, lead);
  }
  return [...byStore.values()];
}

function addressed(requests: ReadonlyMap<WorkerId, ControlRequest>): Addressed[] {
  return [...requests].map(([worker, request]) => ({ worker, request }));
}
