import { describe, expect, it } from '@jest/globals';
import { RetryMemory } from '../../../core/control/retry-memory.js';
import type { Order, Settlement } from '../../../core/control/reconfiguration-item.js';
import { Scene } from './planner-scene.js';

function memoryAfter(epoch: number, attempt: number): RetryMemory {
  const memory = new RetryMemory('c1');
  const { record } = new Scene((scene) => Object.assign(scene.partition, { epoch, attempt })).view();
  memory.inherit(record);
  return memory;
}

function settlement(done: boolean): Settlement {
  const order: Order = {
    ...{ partition: 0, kind: 'failover', reason: '', preferred: [], replacement: null, holdFor: null },
    ...{ leftOut: new Set(), founders: null },
  };
  return { order, done, achieved: done, reason: '', failedLeader: null, tookMs: 1, epoch: 9 };
}

describe('patience', () => {
  it('is doubled for an attempt that was found unfinished, until it is finished', () => {
    const memory = memoryAfter(5, 7);
    expect(memory.patience(0)).toBe(2);
    memory.settled(settlement(false), 0);
    expect(memory.patience(0)).toBe(4);
    memory.settled(settlement(true), 0);
    expect(memory.patience(0)).toBe(1);
  });

  it('is the usual one for what was whole when this controller began', () => {
    const memory = memoryAfter(5, 5);
    expect(memory.patience(0)).toBe(1);
    memory.inherit(new Scene((scene) => (scene.partition.attempt = 7)).view().record);
    expect(memory.patience(0)).toBe(1);
  });
});
