/** The measures of the cluster tests, on calls made by hand: a miscounted outage would hide a real one. */
import { describe, expect, it } from '@jest/globals';
import { judgeVersions } from '../simulation/judges/version-witness.js';
import { historyOf, measure, parseLoadCalls } from './history-of-load.js';

type Line = [
  kind: string,
  value: string,
  startMs: number,
  endMs: number,
  status: number,
  rest?: Partial<Rest>,
];
interface Rest {
  key: string;
  etag: string;
  body: string;
  idempotencyKey: string;
  isLast: boolean;
}

function callsOf(...lines: Line[]) {
  const text = lines.map(([kind, value, startMs, endMs, status, rest], id) => {
    const { key = 'k', etag = '', body = '', idempotencyKey = '', isLast = true } = rest ?? {};
    return JSON.stringify([id, kind, key, value, startMs, endMs, status, etag, body, idempotencyKey, isLast]);
  });
  return parseLoadCalls(text.join('\n'));
}

describe('measures of a load', () => {
  it('counts an outage from the first failed call to the first good one that started later', () => {
    const calls = callsOf(
      ['put', 'a', 0, 5, 201, { etag: '"1-1"' }],
      ['put', 'b', 10, 5_010, 0],
      ['put', 'c', 300, 310, 503],
      ['put', 'd', 900, 910, 200, { etag: '"2-2"' }],
    );
    expect(measure(calls)).toMatchObject({ requests: 4, failed: 2, failedEarly: 1, unavailableMs: 900 });
  });

  it('does not let one key end the outage of another, nor a read that of writes', () => {
    const calls = callsOf(
      ['put', 'a', 0, 10, 503],
      ['put', 'b', 20, 30, 200, { key: 'other', etag: '"1-1"' }],
      ['read', '', 40, 50, 404],
      ['put', 'c', 700, 750, 201, { etag: '"1-2"' }],
    );
    expect(measure(calls).unavailableMs).toBe(750);
  });

  it('calls a key that never came back unavailable for ever', () => {
    expect(measure(callsOf(['put', 'a', 0, 10, 503])).unavailableMs).toBe(Infinity);
  });

  it('counts a request once, by its last try', () => {
    const calls = callsOf(
      ['put', 'a', 0, 10, 0, { idempotencyKey: 'i', isLast: false }],
      ['put', 'a', 11, 20, 201, { idempotencyKey: 'i', etag: '"1-1"' }],
    );
    expect(measure(calls)).toMatchObject({ requests: 1, failed: 0, unavailableMs: 0 });
  });

  it('says what failed, most often first', () => {
    const body = '{"type":"urn:kvorum:no-quorum","title":"x"}';
    const calls = callsOf(
      ['put', 'a', 0, 1, 503, { body }],
      ['put', 'b', 2, 3, 503, { body }],
      ['read', '', 4, 5, 0, { body: 'reset' }],
    );
    expect(measure(calls).failures).toBe('2 × 503 urn:kvorum:no-quorum; 1 × reset');
  });
});

describe('the history of a load', () => {
  const written: Line = ['put', 'a', 0, 10, 201, { etag: '"1-1"' }];

  it('passes the judge where reads see what was written', () => {
    const history = historyOf(callsOf(written, ['read', '', 20, 30, 200, { etag: '"1-1"', body: 'a' }]));
    expect(judgeVersions(history)).toBeUndefined();
  });

  it('is found out where an acknowledged write is lost', () => {
    expect(judgeVersions(historyOf(callsOf(written, ['read', '', 20, 30, 404])))).toContain('absent');
  });

  it('is found out where a read is stale', () => {
    const calls = callsOf(
      written,
      ['put', 'b', 20, 30, 200, { etag: '"1-2"' }],
      ['read', '', 40, 50, 200, { etag: '"1-1"', body: 'a' }],
    );
    expect(judgeVersions(historyOf(calls))).toContain('saw 1-1 after 1-2');
  });

  it('lets a write without an answer happen later or never', () => {
    const calls = callsOf(
      ['put', 'a', 0, 10, 0],
      ['read', '', 20, 30, 404],
      ['read', '', 40, 50, 200, { etag: '"1-1"', body: 'a' }],
    );
    expect(judgeVersions(historyOf(calls))).toBeUndefined();
  });

  it('does not let a refused write appear', () => {
    const calls = callsOf(['put', 'a', 0, 10, 503], ['read', '', 20, 30, 200, { etag: '"1-1"', body: 'a' }]);
    expect(judgeVersions(historyOf(calls))).toContain('not applied');
  });
});
