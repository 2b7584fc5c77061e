/** Votes are gathered: the first is given at once, those that follow a moment later, several at a time. */
import { describe, expect, it } from '@jest/globals';
import { Improvements } from '../../../core/control/improvements.js';
import type { RecordChanges } from '../../../core/control/record-changes.js';
import type { Order } from '../../../core/control/reconfiguration-item.js';
import { RetryMemory } from '../../../core/control/retry-memory.js';
import { Scene } from './planner-scene.js';

function levelLearner(): Scene {
  return new Scene((scene) => {
    scene.wiped('c');
    scene.learner('c', 'new-c', true);
  });
}

function improvementsOf(scene: Scene) {
  const given: { at: number; count: number }[] = [];
  const changes: Pick<RecordChanges, 'isChanging' | 'count' | 'changeLearner'> = {
    isChanging: () => false,
    count: 0,
    changeLearner: () => undefined,
  };
  const improvements = new Improvements(new RetryMemory('c1'), changes as RecordChanges, {
    isFreeFor: () => true,
    start: (orders: readonly Order[], _record, at) => {
      if (orders.length > 0) given.push({ at, count: orders.length });
    },
  });
  const look = (at: number, partitions = 1) => {
    const wished = Array.from({ length: partitions }, () => scene.wished);
    const view = { ...scene.view(), wished };
    const [partition] = view.record.partitions;
    if (partition === undefined) throw new Error('the scene has a partition');
    for (let more = 1; more < partitions; more += 1) {
      view.record.partitions.push(partition);
      for (const facts of view.workers.all()) {
        const report = facts.replicas.get(0);
        if (report !== undefined) facts.replicas.set(more, report);
      }
    }
    improvements.order(view, view.record, at);
  };
  return { look, given };
}

describe('votes for learners that are level', () => {
  it('the first is not kept waiting, the next is for a second', () => {
    const { look, given } = improvementsOf(levelLearner());
    for (const at of [0, 50, 500, 999, 1_000, 1_050]) look(at);
    expect(given).toEqual([
      { at: 0, count: 1 },
      { at: 1_000, count: 1 },
    ]);
  });

  it('eight are enough to go on at once, and no more than eight go together', () => {
    const { look, given } = improvementsOf(levelLearner());
    look(0);
    look(100, 7);
    look(200, 9);
    expect(given).toEqual([
      { at: 0, count: 1 },
      { at: 200, count: 8 },
    ]);
  });
});
