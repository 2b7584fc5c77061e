import { describe, expect, it } from '@jest/globals';
import type { Finding, HistoryCall } from '../../simulation/judges/history.js';
import { judgeBySearch } from '../../simulation/judges/linearization-search.js';
import { judgeVersions } from '../../simulation/judges/version-witness.js';
import { at, history, lost, put, read, relaxed, remove } from './calls.js';

const first = () => put(0, 1, 'a', at(1), { created: true });

const right: [string, HistoryCall[]][] = [
  ['nothing at all', []],
  ['a write, then reads of it', history(first(), read(2, 3, ['a', at(1)]), read(4, 5, ['a', at(1)]))],
  [
    'a read beside a write may see either value',
    history(first(), put(2, 9, 'b', at(2)), read(3, 4, ['a', at(1)]), read(5, 6, ['b', at(2)])),
  ],
  [
    'writes side by side in the order of their versions',
    history(put(0, 9, 'b', at(2)), put(0, 9, 'a', at(1), { created: true }), read(10, 11, ['b', at(2)])),
  ],
  [
    'a write of unknown outcome that is seen later',
    history(first(), lost(2, 'b'), read(3, 4, ['a', at(1)]), read(5, 6, ['b', at(2)])),
  ],
  [
    'a write of unknown outcome that never happened',
    history(first(), lost(2, 'b'), read(8, 9, ['a', at(1)])),
  ],
  ['a delete, then nothing there', history(first(), remove(2, 3, at(2)), read(4, 5, null))],
  [
    'a delete that found nothing',
    history(remove(0, 1, { type: 'absent' }), put(2, 3, 'a', at(1), { created: true })),
  ],
  [
    'a conditional write on the version that was there',
    history(first(), put(2, 3, 'b', at(2), { precondition: { type: 'ifMatch', versions: [at(1)] } })),
  ],
  [
    'a conditional write that fails on another version',
    history(
      first(),
      put(2, 3, 'b', at(2)),
      put(
        4,
        5,
        'c',
        { type: 'preconditionFailed', current: at(2) },
        { precondition: { type: 'ifMatch', versions: [at(1)] } },
      ),
    ),
  ],
  [
    'a request repeated with its idempotency key',
    history(
      put(0, Infinity, 'a', { type: 'unknown' }, { idempotencyKey: 'r' }),
      put(4, 5, 'a', at(1), { idempotencyKey: 'r', created: true }),
      read(6, 7, ['a', at(1)]),
    ),
  ],
  [
    'a key that was written by someone whose answer was lost, before a write that replaced it',
    history(lost(0, 'x'), put(2, 3, 'a', at(2), { created: false })),
  ],
  [
    'an eventual read of an old value',
    history(first(), put(2, 3, 'b', at(2)), relaxed(read(4, 5, ['a', at(1)]), null)),
  ],
];

/** Wrong in the eyes of both judges. */
const wrong: [string, HistoryCall[]][] = [
  ['a stale read', history(first(), put(2, 3, 'b', at(2)), read(4, 5, ['a', at(1)]))],
  [
    'a read that goes back behind another read',
    history(first(), put(2, 9, 'b', at(2)), read(3, 4, ['b', at(2)]), read(5, 6, ['a', at(1)])),
  ],
  ['an acknowledged write that is gone', history(first(), read(2, 3, null))],
  ['a read of a value that nobody wrote', history(first(), read(2, 3, ['z', at(1)]))],
  [
    'a read of a write that was not applied',
    history(first(), put(2, 3, 'b', { type: 'notApplied' }), read(4, 5, ['b', at(2)])),
  ],
  [
    'a read of a value before it was written',
    history(first(), read(2, 3, ['b', at(2)]), put(4, 5, 'b', at(2))),
  ],
  ['a deleted key that is there again', history(first(), remove(2, 3, at(2)), read(4, 5, ['a', at(1)]))],
  [
    'two conditional writes on one version',
    history(
      first(),
      put(2, 3, 'b', at(2), { precondition: { type: 'ifMatch', versions: [at(1)] } }),
      put(4, 5, 'c', at(3), { precondition: { type: 'ifMatch', versions: [at(1)] } }),
    ),
  ],
  ['two writes that both created the key', history(first(), put(2, 3, 'b', at(2), { created: true }))],
  [
    'a precondition that failed although it held',
    history(
      first(),
      put(
        2,
        3,
        'b',
        { type: 'preconditionFailed', current: at(1) },
        { precondition: { type: 'ifMatch', versions: [at(1)] } },
      ),
    ),
  ],
  [
    'a precondition that failed on an older state',
    history(
      first(),
      put(2, 3, 'b', at(2)),
      put(
        4,
        5,
        'c',
        { type: 'preconditionFailed', current: at(1) },
        { precondition: { type: 'ifNoneMatch', versions: null } },
      ),
    ),
  ],
  [
    'a delete that found nothing where something was',
    history(first(), remove(2, 3, { type: 'absent' }), read(4, 5, ['a', at(1)])),
  ],
  [
    'a value of unknown outcome that comes and goes',
    history(first(), lost(2, 'b'), read(3, 4, ['b', at(2)]), read(5, 6, ['a', at(1)])),
  ],
];

/** Only versions tell that these are wrong. */
const wrongInVersions: [string, HistoryCall[]][] = [
  ['one version given to two writes', history(first(), put(2, 3, 'b', at(1)))],
  [
    'a version below one that was answered before',
    history(put(0, 1, 'a', at(5), { created: true }), put(2, 3, 'b', at(4))),
  ],
  ['a value read under another version', history(first(), read(2, 3, ['a', at(7)]))],
  [
    'a request applied twice',
    history(
      put(0, 1, 'a', at(1), { idempotencyKey: 'r', created: true }),
      put(2, 3, 'a', at(2), { idempotencyKey: 'r' }),
    ),
  ],
  [
    'a value of unknown outcome under two versions',
    history(lost(0, 'b'), read(2, 3, ['b', at(2)]), read(4, 5, ['b', at(3)])),
  ],
];

function verdicts(calls: HistoryCall[]): Finding[] {
  return [judgeVersions(calls), judgeBySearch(calls)];
}

describe('the judges of linearizability', () => {
  it.each(right)('pass %s', (_name, calls) => {
    expect(verdicts(calls)).toEqual([undefined, undefined]);
  });

  it.each(wrong)('find %s', (_name, calls) => {
    expect(verdicts(calls)).toEqual([expect.any(String), expect.any(String)]);
  });

  it.each(wrongInVersions)('find %s', (_name, calls) => {
    expect(judgeVersions(calls)).toEqual(expect.any(String));
  });

  it('judge every key for itself', () => {
    const calls = history(
      first(),
      put(2, 3, 'b', at(2), { key: 'other', created: true }),
      read(4, 5, ['a', at(1)]),
    );
    expect(verdicts(calls)).toEqual([undefined, undefined]);
  });

  it('call a search that does not end within its bound a finding', () => {
    const calls = history(first(), read(2, 3, ['a', at(1)]), read(4, 5, ['a', at(1)]));
    expect(judgeBySearch(calls, 1)).toMatch(/found in 1 steps/);
  });
});
