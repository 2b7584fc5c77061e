/** Memory is bounded by what the table has not applied: beyond that no entry is taken. */
import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import { encodeEntry } from '../../../core/protocol/entry.js';
import type { Entry } from '../../../core/protocol/entry.js';
import { checksum } from '../../../node/storage/checksum.js';
import { entry, ScriptedWorker } from './harness.js';

const largeBytes = 8 * 1024 * 1024;
const count = defaultLimits.applyLagBytesMax / largeBytes;

function large(seq: number): Entry {
  const content = { kind: 'put', version: { epoch: 1, seq }, logTime: 1, created: true } as const;
  const texts = { contentType: '', idempotencyKey: '', digest: 0 };
  const key = new Uint8Array([seq]);
  return encodeEntry({ ...content, ...texts, key, value: new Uint8Array(largeBytes) }, checksum);
}

function follow(a: ScriptedWorker, commitSeq: number, entries: Entry[]): void {
  const previousSeq = a.replica.lastSeq;
  a.from('b', a.appendMessage({ epoch: 1, previousSeq, commitSeq, entries }));
  a.settle();
}

describe('a replica whose table lags by many bytes', () => {
  it('takes no more entries until it has applied them, every time', () => {
    const a = new ScriptedWorker();
    for (let round = 0; round < 3; round += 1) {
      const before = a.replica.lastSeq;
      for (let at = 1; at < count; at += 1) follow(a, before, [large(before + at)]);
      a.pass(defaultLimits.tickMs);
      follow(a, before, [large(before + count)]);
      expect(a.replica.lastSeq).toBe(before + count);
      expect(a.take('b', 'ack').at(-1)?.durableSeq).toBe(before + count);
      a.pass(defaultLimits.tickMs);
      follow(a, before, [entry(1, before + count + 1)]);
      expect(a.take('b', 'refusal')).toMatchObject([{ reason: 'busy' }]);
      expect(a.take('b', 'ack')).toMatchObject([{ durableSeq: before + count }]);
      expect(a.replica.lastSeq).toBe(before + count);
      follow(a, before + count, []);
      a.pass(defaultLimits.tickMs);
      a.settle();
      a.pass(defaultLimits.tickMs);
      expect(a.replica.appliedSeq).toBe(before + count);
    }
    follow(a, a.replica.lastSeq, [entry(1, a.replica.lastSeq + 1)]);
    expect(a.take('b', 'ack').at(-1)?.durableSeq).toBe(3 * count + 1);
  });
});
