/**
 * The ring record in a ConfigMap: it fits, it comes back as it was, and what is damaged is not taken for
 * another record.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import type { RingRecord } from '../../../core/ring/ring-record.js';
import {
  decodeRingContents,
  encodeRingContents,
  plainBytesMax,
} from '../../../operator/kubernetes/ring-encoding.js';

/** An object may have so much in all. */
const objectBytesMax = 1024 * 1024;

/** As long as any can be: long names, all identities given, a learner everywhere. */
function largeRing(partitionCount: number, workerCount: number): RingRecord {
  const store = (index: number) => index.toString(16).padStart(32, 'f');
  const worker = (index: number) => ({
    id: `a-cluster-with-a-long-name-worker-${index}`,
    storeId: store(index),
  });
  const members = Array.from({ length: workerCount }, (_, index) => [
    worker(index).id,
    {
      host: '100.100.100.100',
      peerPort: 7_400,
      clientPort: 8_080,
      zone: 'europe-west1-b',
      state: 'active' as const,
    },
  ]);
  return {
    formatVersion: 1,
    clusterId: 'a-namespace/a-cluster-with-a-long-name',
    version: 123_456,
    epochCounter: 2 ** 33,
    partitionCount,
    replicationFactor: 3,
    members: Object.fromEntries(members) as RingRecord['members'],
    partitions: Array.from({ length: partitionCount }, (_, partition) => {
      const voters = [0, 1, 2].map((offset) => worker((partition + offset) % workerCount));
      const [first = worker(0)] = voters;
      const learners = [worker((partition + 3) % workerCount)];
      return { epoch: 2 ** 33, attempt: 2 ** 33, primary: { ...first, bootCount: 1_000 }, voters, learners };
    }),
  };
}

describe('ring in a ConfigMap', () => {
  it.each([
    [1, 3],
    [256, 4],
    [256, 100],
    [1_024, 16],
    [4_096, 100],
  ])('of %i partitions on %i workers comes back as it was, well within an object', (partitions, workers) => {
    const record = largeRing(partitions, workers);
    const contents = encodeRingContents(record);
    expect(JSON.stringify(contents).length).toBeLessThan(objectBytesMax / 2);
    expect(decodeRingContents(contents)).toEqual(record);
  });

  it('can be read by a person while it is small', () => {
    const { data } = encodeRingContents(largeRing(256, 4));
    expect(data?.['ring.json']?.length).toBeLessThan(plainBytesMax);
    expect(data?.['ring.json']).toContain('"partitionCount":256');
    expect(encodeRingContents(largeRing(1_024, 16)).data).toBeUndefined();
  });

  const good = JSON.stringify(largeRing(2, 3));
  it.each([
    ['nothing', {}],
    [
      'both forms',
      { data: { 'ring.json': good }, binaryData: { 'ring.json.gz': gzipSync(good).toString('base64') } },
    ],
    ['no JSON', { data: { 'ring.json': good.slice(1) } }],
    ['a partition less', { data: { 'ring.json': good.replace('"partitionCount":2', '"partitionCount":3') } }],
    [
      'an epoch that is none',
      { data: { 'ring.json': good.replace('"attempt":8589934592', '"attempt":-1') } },
    ],
    ['another format', { data: { 'ring.json': good.replace('"formatVersion":1', '"formatVersion":2') } }],
    ['bytes that are not packed', { binaryData: { 'ring.json.gz': 'AAAA' } }],
  ])('is refused: %s', (_name, contents) => {
    expect(() => decodeRingContents(contents)).toThrow();
  });
});
