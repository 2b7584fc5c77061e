/** Short ways to write histories down. Times are whole numbers; every call gets the next id. */
import type { Precondition, Version } from '../../../core/protocol/operation.js';
import type { HistoryCall, ReadCall, WriteCall } from '../../simulation/judges/history.js';

export const none: Precondition = { type: 'none', versions: null };

export function at(seq: number, epoch = 1): Version {
  return { epoch, seq };
}

let lastId = 0;

function call(from: number, to: number) {
  lastId += 1;
  return { id: lastId, key: 'k', partition: 0, invokedAt: from, returnedAt: to };
}

interface WriteExtras {
  created?: boolean;
  precondition?: Precondition;
  idempotencyKey?: string;
  key?: string;
}

export function put(
  from: number,
  to: number,
  value: string,
  result: Version | WriteCall['result'],
  extras: WriteExtras = {},
): WriteCall {
  const { created = false, precondition = none, idempotencyKey = '', key = 'k' } = extras;
  return {
    ...call(from, to),
    key,
    kind: 'put',
    value,
    precondition,
    idempotencyKey,
    result: 'seq' in result ? { type: 'applied', version: result, created } : result,
  };
}

export function remove(from: number, to: number, result: Version | WriteCall['result']): WriteCall {
  return { ...put(from, to, '', result), kind: 'delete' };
}

export function lost(from: number, value: string, extras: WriteExtras = {}): WriteCall {
  return put(from, Infinity, value, { type: 'unknown' }, extras);
}

export function read(from: number, to: number, seen: [string, Version] | null): ReadCall {
  return {
    ...call(from, to),
    kind: 'read',
    consistency: 'linearizable',
    atLeast: null,
    result: seen === null ? { type: 'missing' } : { type: 'found', value: seen[0], version: seen[1] },
  };
}

export function relaxed(base: ReadCall, atLeast: Version | null): ReadCall {
  return { ...base, consistency: 'eventual', atLeast };
}

/** The calls in the order in which they returned, as a run records them. */
export function history(...calls: HistoryCall[]): HistoryCall[] {
  return [...calls].sort((a, b) => a.returnedAt - b.returnedAt);
}
