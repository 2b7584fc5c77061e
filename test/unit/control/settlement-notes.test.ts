import { describe, expect, it } from '@jest/globals';
import type { Settlement } from '../../../core/control/reconfiguration-item.js';
import { rangesText, SettlementNotes } from '../../../core/control/settlement-notes.js';

function settlement(partition: number, fields: Partial<Settlement>): Settlement {
  const order = { partition, kind: 'failover' } as Settlement['order'];
  return {
    order,
    done: true,
    achieved: true,
    reason: '',
    failedLeader: null,
    tookMs: 1,
    epoch: 7,
    ...fields,
  };
}

describe('notes of what was settled', () => {
  it('are one for all that came to the same end', () => {
    const notes = new SettlementNotes();
    for (const partition of [9, 3, 4, 5]) notes.add(settlement(partition, { tookMs: 100.4 + partition }));
    notes.add(settlement(8, { done: false, reason: 'no quorum', epoch: 0 }));
    notes.add(settlement(6, { epoch: 8 }));
    const failover = { kind: 'failover', epoch: 7 };
    expect(notes.take()).toEqual([
      {
        message: 'partitions reconfigured',
        fields: { ...failover, count: 4, partitions: '3-5,9', tookMs: 109 },
      },
      {
        message: 'reconfiguration failed',
        fields: { ...failover, count: 1, partitions: '8', epoch: 0, tookMs: 1, reason: 'no quorum' },
      },
      {
        message: 'partitions reconfigured',
        fields: { ...failover, count: 1, partitions: '6', epoch: 8, tookMs: 1 },
      },
    ]);
    expect(notes.take()).toEqual([]);
  });

  it('name partitions as ranges', () => {
    expect(rangesText([])).toBe('');
    expect(rangesText([5, 1, 2, 0, 9, 8])).toBe('0-2,5,8-9');
  });
});
