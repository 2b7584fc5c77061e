/**
 * What the clients saw: the only thing that the judges of linearizability are shown. Every written value is
 * unique, so that a value names the request that wrote it.
 */
import { present } from '../present.js';
import type { Precondition, Version } from '../../../core/protocol/operation.js';

export type WriteResult =
  | { type: 'applied'; version: Version; created: boolean }
  | { type: 'preconditionFailed'; current: Version | null }
  /** A DELETE that found nothing. */
  | { type: 'absent' }
  | { type: 'notApplied' }
  | { type: 'unknown' };

export type ReadResult =
  { type: 'found'; version: Version; value: string } | { type: 'missing' } | { type: 'failed' };

interface Call {
  id: number;
  key: string;
  partition: number;
  invokedAt: number;
  /** Infinity if no answer came. */
  returnedAt: number;
}

export interface WriteCall extends Call {
  kind: 'put' | 'delete';
  /** Empty for a delete. */
  value: string;
  precondition: Precondition;
  /** Tries of one request share it; '' for a request that is never repeated. */
  idempotencyKey: string;
  result: WriteResult;
}

export interface ReadCall extends Call {
  kind: 'read';
  consistency: 'linearizable' | 'eventual';
  atLeast: Version | null;
  result: ReadResult;
}

export type HistoryCall = WriteCall | ReadCall;

/** A judge's finding: undefined if all is well. */
export type Finding = string | undefined;

export function compareVersions(a: Version, b: Version): number {
  return a.epoch - b.epoch || a.seq - b.seq;
}

export function versionText(version: Version | null): string {
  return version === null ? 'absent' : `${version.epoch}-${version.seq}`;
}

export function byKey(history: readonly HistoryCall[]): Map<string, HistoryCall[]> {
  const keys = new Map<string, HistoryCall[]>();
  for (const call of history) {
    const calls = keys.get(call.key);
    if (calls === undefined) keys.set(call.key, [call]);
    else calls.push(call);
  }
  return keys;
}

/** Linearizable requests alone; the others promise less and have a judge of their own. */
export function isLinearizable(call: HistoryCall): boolean {
  return call.kind !== 'read' || (call.consistency === 'linearizable' && call.atLeast === null);
}

/**
 * One call per request: the tries of a repeated request become one call, from the first try to the first
 * answer that says it is applied. Answers to single tries that say something of the state (412, absent) stay
 * as they are. Returns a finding if the tries contradict each other.
 */
export function mergeTries(calls: readonly HistoryCall[]): { calls: HistoryCall[]; finding: Finding } {
  const merged: HistoryCall[] = [];
  const groups = new Map<string, WriteCall[]>();
  for (const call of calls) {
    if (call.kind === 'read' || call.idempotencyKey === '') {
      merged.push(call);
      continue;
    }
    const group = groups.get(call.idempotencyKey);
    if (group === undefined) groups.set(call.idempotencyKey, [call]);
    else group.push(call);
  }
  let finding: Finding;
  for (const tries of groups.values()) {
    const first = present(tries[0]);
    const applied = tries.filter((call) => call.result.type === 'applied');
    const unknown = tries.some((call) => call.result.type === 'unknown');
    merged.push(
      ...tries.filter(({ result }) => result.type === 'preconditionFailed' || result.type === 'absent'),
    );
    const answer = applied[0];
    if (answer?.result.type === 'applied') {
      const { version } = answer.result;
      for (const { result } of applied) {
        if (result.type === 'applied' && compareVersions(result.version, version) !== 0) {
          finding ??= `request ${first.id} was applied twice: as ${versionText(version)} and ${versionText(result.version)}`;
        }
      }
      const returnedAt = Math.min(...applied.map((call) => call.returnedAt));
      merged.push({ ...first, returnedAt, result: answer.result });
    } else if (unknown) {
      merged.push({ ...first, returnedAt: Infinity, result: { type: 'unknown' } });
    } else {
      merged.push(...tries.filter(({ result }) => result.type === 'notApplied'));
    }
  }
  return { calls: merged, finding };
}
