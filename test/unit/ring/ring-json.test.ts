/** The ring record as text: what is written reads back equal, what is damaged is refused. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatRing, parseRing, RingJsonError } from '../../../core/ring/ring-json.js';
import type { RingRecord } from '../../../core/ring/ring-record.js';

const record: RingRecord = {
  formatVersion: 1,
  clusterId: 'c1',
  version: 9,
  epochCounter: 40,
  partitionCount: 2,
  replicationFactor: 2,
  members: { a: { host: '127.0.0.1', peerPort: 1, clientPort: 2, zone: '', state: 'active' } },
  partitions: [
    {
      epoch: 3,
      attempt: 40,
      primary: { id: 'a', storeId: 's', bootCount: 2 },
      voters: [
        { id: 'a', storeId: 's' },
        { id: 'b', storeId: 't' },
      ],
      learners: [{ id: 'c', storeId: 'u' }],
    },
    { epoch: 0, attempt: 0, primary: { id: '', storeId: '', bootCount: 0 }, voters: [], learners: [] },
  ],
};

function changed(change: (copy: Record<string, unknown> & RingRecord) => void): string {
  const copy = structuredClone(record) as Record<string, unknown> & RingRecord;
  change(copy);
  return JSON.stringify(copy);
}

function partitionOf(copy: RingRecord, index = 0) {
  const found = copy.partitions[index];
  if (found === undefined) throw new Error('no such partition');
  return found;
}

describe('the ring as JSON', () => {
  it('reads back what was written', () => {
    expect(parseRing(formatRing(record))).toEqual(record);
    expect(formatRing(record).split('\n').length).toBeGreaterThan(10);
  });

  it('takes a worker that is filled anew while its lost store is still a voter', () => {
    const text = changed((copy) => partitionOf(copy).learners.push({ id: 'b', storeId: 'new' }));
    expect(parseRing(text).partitions[0]?.learners).toContainEqual({ id: 'b', storeId: 'new' });
  });

  it('says what is wrong and where', () => {
    const cases: [string, string | RegExp][] = [
      ['', 'the ring record is not JSON'],
      ['[]', 'ring is not an object'],
      [changed((copy) => Object.assign(copy, { formatVersion: 2 })), /newer program/],
      [changed((copy) => Object.assign(copy, { more: 1 })), 'ring has an unknown more'],
      [changed((copy) => Reflect.deleteProperty(copy, 'members')), 'ring lacks members'],
      [changed((copy) => (copy.version = -1)), /^version is not a whole number/],
      [changed((copy) => (copy.clusterId = 'ü')), /^clusterId is not printable/],
      [changed((copy) => copy.partitions.pop()), /not as many/],
      [changed((copy) => (copy.partitionCount = 3)), /power of two/],
      [changed((copy) => (partitionOf(copy).attempt = 2)), /attempt is below/],
      [changed((copy) => (copy.epochCounter = 39)), /attempt is above epochCounter/],
      [changed((copy) => (partitionOf(copy).primary.storeId = 'x')), /primary is not among/],
      [changed((copy) => partitionOf(copy).learners.push({ id: 'a', storeId: 's' })), /names a worker twice/],
      [changed((copy) => partitionOf(copy).voters.push({ id: 'a', storeId: 'q' })), /names a worker twice/],
      [
        changed((copy) => Object.assign(copy.members.a ?? {}, { state: 'gone' })),
        /members\.a\.state is neither/,
      ],
    ];
    for (const [text, problem] of cases) {
      expect(() => parseRing(text)).toThrow(RingJsonError);
      expect(() => parseRing(text)).toThrow(problem);
    }
  });

  it('refuses whatever JSON there may be in its place', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(() => parseRing(text)).toThrow(RingJsonError);
      }),
    );
    const paths = fc.constantFrom(...Object.keys(record), 'partitions.0', 'members.a', 'partitions.0.voters');
    fc.assert(
      fc.property(paths, fc.jsonValue(), (path, value) => {
        const copy = structuredClone(record) as unknown as Record<string, unknown>;
        const names = path.split('.');
        const last = names.pop() ?? '';
        let place = copy;
        for (const name of names) place = place[name] as Record<string, unknown>;
        place[last] = value;
        try {
          parseRing(JSON.stringify(copy));
        } catch (error) {
          expect(error).toBeInstanceOf(RingJsonError);
        }
      }),
    );
  });
});
