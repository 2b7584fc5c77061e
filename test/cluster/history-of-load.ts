/**
 * What the load's calls say: the history that the judges of the simulation take, how many requests failed,
 * and for how long a key could not be written or read.
 */
import { defaultLimits } from '../../core/limits.js';
import type { Version } from '../../core/protocol/operation.js';
import type { HistoryCall, ReadResult, WriteResult } from '../simulation/judges/history.js';

/** One line of the load's file: one try of a request. */
export interface LoadCall {
  kind: 'put' | 'read';
  key: string;
  value: string;
  startMs: number;
  endMs: number;
  /** HTTP status; 0 for a broken connection, -1 for one that was never made. */
  status: number;
  etag: string;
  body: string;
  idempotencyKey: string;
  /** The last try of its request, whose outcome is the client's. */
  isLast: boolean;
}

const { requestDeadlineMs } = defaultLimits;

export interface Measures {
  requests: number;
  failed: number;
  /**
   * Of them, those whose last try ended before the time was over that a request may take. A connection that
   * was not made in time tells of the machine.
   */
  failedEarly: number;
  /** Longest time from the start of a failed call to the end of the first good call after it, of any key. */
  unavailableMs: number;
  /** The commonest failures, for the eye. */
  failures: string;
}

export function parseLoadCalls(text: string): LoadCall[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}

function parseLine(line: string): LoadCall {
  const [, kind, key, value, startMs, endMs, status, etag, body, idempotencyKey, isLast] = JSON.parse(
    line,
  ) as [number, 'put' | 'read', string, string, number, number, number, string, string, string, boolean];
  return { kind, key, value, startMs, endMs, status, etag, body, idempotencyKey, isLast };
}

export function isGood({ status, kind }: LoadCall): boolean {
  return kind === 'put' ? status === 200 || status === 201 : status === 200 || status === 404;
}

export function parseVersion(etag: string): Version {
  const parts = /^"(\d+)-(\d+)"$/.exec(etag);
  if (parts === null) throw new Error(`an answer without a version: ETag ${etag}`);
  return { epoch: Number(parts[1]), seq: Number(parts[2]) };
}

export function historyOf(calls: readonly LoadCall[]): HistoryCall[] {
  return calls.map((call, id): HistoryCall => {
    const shared = { id, key: call.key, partition: 0, invokedAt: call.startMs };
    if (call.kind === 'read') {
      const read = { kind: 'read', consistency: 'linearizable', atLeast: null } as const;
      return { ...shared, ...read, returnedAt: call.endMs, result: readResult(call) };
    }
    const result = writeResult(call);
    const { value, idempotencyKey } = call;
    // What may still happen has not returned.
    const returnedAt = result.type === 'unknown' ? Infinity : call.endMs;
    return {
      ...shared,
      kind: 'put',
      value,
      precondition: { type: 'none', versions: null },
      idempotencyKey,
      returnedAt,
      result,
    };
  });
}

function readResult(call: LoadCall): ReadResult {
  if (call.status === 200) return { type: 'found', version: parseVersion(call.etag), value: call.body };
  return call.status === 404 ? { type: 'missing' } : { type: 'failed' };
}

function writeResult({ status, etag }: LoadCall): WriteResult {
  if (status === 200 || status === 201) {
    return { type: 'applied', version: parseVersion(etag), created: status === 201 };
  }
  const isUnknown = status === 0 || status === 504 || status === 500 || status === 502;
  return isUnknown ? { type: 'unknown' } : { type: 'notApplied' };
}

export function measure(calls: readonly LoadCall[]): Measures {
  const answers = calls.filter(({ isLast }) => isLast);
  const failed = answers.filter((call) => !isGood(call));
  const reasons = new Map<string, number>();
  for (const { status, body } of failed) {
    const reason = status <= 0 ? body : `${status} ${reasonOf(body)}`;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const commonest = [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 4);
  return {
    requests: answers.length,
    failed: failed.length,
    failedEarly: failed.filter(isEarly).length,
    unavailableMs: Math.round(longestOutageMs(answers)),
    failures: commonest.map(([reason, count]) => `${count} × ${reason}`).join('; '),
  };
}

function isEarly({ status, startMs, endMs }: LoadCall): boolean {
  return status !== -1 && endMs - startMs < requestDeadlineMs;
}

/** The stable part of a problem's text. */
function reasonOf(body: string): string {
  return /"type":\s*"([^"]*)"/.exec(body)?.[1] ?? body.slice(0, 80);
}

function longestOutageMs(answers: readonly LoadCall[]): number {
  const byKey = new Map<string, LoadCall[]>();
  for (const call of answers) {
    const known = byKey.get(`${call.kind} ${call.key}`);
    if (known === undefined) byKey.set(`${call.kind} ${call.key}`, [call]);
    else known.push(call);
  }
  let longestMs = 0;
  for (const calls of byKey.values()) longestMs = Math.max(longestMs, longestOutageOfKeyMs(calls));
  return longestMs;
}

/** From the end backwards: the earliest end of a good call that started after this one failed. */
function longestOutageOfKeyMs(calls: LoadCall[]): number {
  calls.sort((a, b) => a.startMs - b.startMs);
  let goodAt = Infinity;
  let longestMs = 0;
  for (const call of calls.toReversed()) {
    if (isGood(call)) goodAt = Math.min(goodAt, call.endMs);
    else longestMs = Math.max(longestMs, goodAt - call.startMs);
  }
  return longestMs;
}
