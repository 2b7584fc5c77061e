/**
 * After the healing: no acknowledged write is lost, and all replicas of a partition are equal, in their
 * tables and wherever their logs overlap.
 */
import type { LogView, TableView } from '../storage/storage-engine.js';
import type { Finding, HistoryCall } from './history.js';
import { compareVersions, mergeTries, versionText } from './history.js';
import type { Version } from '../../../core/protocol/operation.js';

export interface FinalReplica {
  worker: string;
  log: LogView;
  table: TableView;
  /** The entry at a position as text that tells it from any other; null where the log does not reach. */
  entryAt: (seq: number) => string | null;
}

export interface FinalPartition {
  partition: number;
  /** Of the voters in the ring record. */
  replicas: FinalReplica[];
}

export function judgeEqualReplicas(partitions: readonly FinalPartition[]): Finding {
  for (const { partition, replicas } of partitions) {
    const first = replicas[0];
    if (first === undefined) return `partition ${partition} has no replicas`;
    for (const other of replicas.slice(1)) {
      const difference = differenceOf(first, other);
      if (difference !== undefined) return `partition ${partition}: ${difference}`;
    }
  }
  return undefined;
}

function differenceOf(one: FinalReplica, other: FinalReplica): Finding {
  const names = `${one.worker} and ${other.worker}`;
  if (one.log.lastSeq !== other.log.lastSeq) {
    return `logs of ${names} end at ${one.log.lastSeq} and ${other.log.lastSeq}`;
  }
  if (one.table.appliedSeq !== other.table.appliedSeq) {
    return `tables of ${names} are at ${one.table.appliedSeq} and ${other.table.appliedSeq}`;
  }
  for (let seq = Math.max(one.log.baseSeq, other.log.baseSeq) + 1; seq <= one.log.lastSeq; seq += 1) {
    if (one.entryAt(seq) !== other.entryAt(seq)) return `logs of ${names} differ at ${seq}`;
  }
  for (const key of new Set([...one.table.rows.keys(), ...other.table.rows.keys()])) {
    const rows = [one, other].map(({ table }) => JSON.stringify(table.rows.get(key) ?? 'absent'));
    if (rows[0] !== rows[1]) return `tables of ${names} differ in ${key}: ${rows.join(' and ')}`;
  }
  return undefined;
}

/** Rows of the final tables by key: `version value`, or undefined if there is no row. */
export function judgeAcknowledgedWrites(
  history: readonly HistoryCall[],
  finalRow: (partition: number, key: string) => { version: Version; value: string } | null,
): Finding {
  const newest = new Map<string, { call: HistoryCall; version: Version; value: string | null }>();
  const maybeDeleted = new Set<string>();
  const { calls } = mergeTries(history);
  for (const call of calls) {
    if (call.kind === 'delete' && call.result.type === 'unknown') maybeDeleted.add(call.key);
    if (call.kind === 'read' || call.result.type !== 'applied') continue;
    const { version } = call.result;
    const before = newest.get(call.key);
    if (before !== undefined && compareVersions(before.version, version) >= 0) continue;
    newest.set(call.key, { call, version, value: call.kind === 'put' ? call.value : null });
  }
  for (const [key, { call, version, value }] of newest) {
    const row = finalRow(call.partition, key);
    if (row === null) {
      if (value === null || maybeDeleted.has(key)) continue;
      return `key ${key}: the acknowledged write ${versionText(version)} is gone`;
    }
    const order = compareVersions(row.version, version);
    if (order < 0) {
      return `key ${key}: holds ${versionText(row.version)}, older than the acknowledged ${versionText(version)}`;
    }
    if (order === 0 && row.value !== value)
      return `key ${key}: holds ${row.value} as ${versionText(version)}`;
    if (order > 0 && !calls.some((other) => other.kind === 'put' && other.value === row.value)) {
      return `key ${key}: holds ${row.value}, which nobody wrote`;
    }
  }
  return undefined;
}
