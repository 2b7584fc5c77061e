/**
 * One line for what came to an end together: a failover of 64 partitions is committed at once, and is to be
 * read as one reconfiguration, not as 64.
 */
import type { Settlement } from './reconfiguration-item.js';

export interface SettlementNote {
  message: 'partitions reconfigured' | 'reconfiguration failed';
  fields: Record<string, string | number>;
}

interface Together {
  settlement: Settlement;
  partitions: number[];
  tookMs: number;
}

export class SettlementNotes {
  private readonly groups = new Map<string, Together>();

  add(settlement: Settlement): void {
    const { order, done, reason, epoch, tookMs } = settlement;
    const key = [order.kind, done, epoch, done ? '' : reason].join(' ');
    const group = this.groups.get(key) ?? { settlement, partitions: [], tookMs: 0 };
    this.groups.set(key, group);
    group.partitions.push(order.partition);
    group.tookMs = Math.max(group.tookMs, tookMs);
  }

  /** Of everything since the last call. `tookMs` is that of the partition that took longest. */
  take(): SettlementNote[] {
    const notes = [...this.groups.values()].map(({ settlement, partitions, tookMs }): SettlementNote => {
      const { order, done, reason, epoch } = settlement;
      const fields = {
        kind: order.kind,
        count: partitions.length,
        partitions: rangesText(partitions),
        epoch,
        tookMs: Math.round(tookMs),
      };
      if (done) return { message: 'partitions reconfigured', fields };
      return { message: 'reconfiguration failed', fields: { ...fields, reason } };
    });
    this.groups.clear();
    return notes;
  }
}

/** `0-2,5,8-9` */
export function rangesText(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end += 1;
    ranges.push(start === end ? `${sorted[start]}` : `${sorted[start]}-${sorted[end]}`);
    start = end + 1;
  }
  return ranges.join(',');
}
