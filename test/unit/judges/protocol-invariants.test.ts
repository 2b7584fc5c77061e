import { describe, expect, it } from '@jest/globals';
import { encodeEntry } from '../../../core/protocol/entry.js';
import type { Entry } from '../../../core/protocol/entry.js';
import type { PartitionRecord, RingRecord } from '../../../core/ring/ring-record.js';
import { checksum } from '../../../node/storage/checksum.js';
import { keyBytes } from '../../simulation/client.js';
import { ProtocolInvariants } from '../../simulation/judges/protocol-invariants.js';
import type { ReplicaBelief } from '../../simulation/judges/protocol-invariants.js';
import type { LogView } from '../../simulation/storage/storage-engine.js';

const voters = ['w1', 'w2', 'w3'].map((id) => ({ id, storeId: `store-${id}` }));

function record(epoch: number, attempt: number, primary = 'w1'): PartitionRecord {
  return {
    epoch,
    attempt,
    primary: { id: primary, storeId: `store-${primary}`, bootCount: 1 },
    voters,
    learners: [],
  };
}

function ring(version: number, ...partitions: PartitionRecord[]): RingRecord {
  const epochCounter = Math.max(...partitions.map(({ attempt }) => attempt));
  const shape = {
    formatVersion: 1 as const,
    clusterId: 'c',
    partitionCount: 1,
    replicationFactor: 3,
    members: {},
  };
  return { ...shape, version, epochCounter, partitions };
}

function entry(epoch: number, seq: number, value = 'v'): Entry {
  const content = { kind: 'put' as const, version: { epoch, seq }, logTime: 1, created: true, digest: 0 };
  const texts = { contentType: '', idempotencyKey: '' };
  return encodeEntry({ ...content, ...texts, key: keyBytes('k'), value: keyBytes(value) }, checksum);
}

function view(syncedEpoch: number, lastSeq: number, changes: Partial<LogView> = {}): LogView {
  const epochStarts = [{ epoch: 1, firstSeq: 1 }];
  if (syncedEpoch > 1) epochStarts.push({ epoch: syncedEpoch, firstSeq: 3 });
  return {
    partition: 0,
    promisedEpoch: syncedEpoch,
    syncedEpoch,
    epochStarts,
    baseSeq: 0,
    lastSeq,
    forgotten: false,
    ...changes,
  };
}

/** Epoch 1 is true, and two of its three voters hold entries 1 and 2. */
function committedTwo(): ProtocolInvariants {
  const judge = new ProtocolInvariants();
  judge.ringSwapped(null, ring(1, record(0, 1)));
  for (const { storeId } of voters) judge.logWritten(storeId, 0, view(1, 0), []);
  judge.ringSwapped(ring(1, record(0, 1)), ring(2, record(1, 1)));
  for (const id of ['w1', 'w2']) judge.logWritten(`store-${id}`, 0, view(1, 2), [entry(1, 1), entry(1, 2)]);
  return judge;
}

const run = { id: 'w1', storeId: 'store-w1', bootCount: 1, runId: 'run-1' };
const belief: ReplicaBelief = {
  partition: 0,
  servingEpoch: 1,
  promisedEpoch: 1,
  syncedEpoch: 1,
  lastSeq: 2,
  commitSeq: 2,
  appliedSeq: 2,
};

describe('the judge of the invariants', () => {
  it('passes a partition that is written, applied, served and reconfigured', () => {
    const judge = committedTwo();
    expect(judge.committedSeq(0)).toBe(2);
    expect(judge.isCommitted(0, { epoch: 1, seq: 2 })).toBe(true);
    expect(judge.isCommitted(0, { epoch: 1, seq: 3 })).toBe(false);
    judge.applied('store-w1', 0, [entry(1, 1), entry(1, 2)]);
    judge.believed(run, belief);
    judge.ringSwapped(ring(2, record(1, 1)), ring(3, record(1, 2)));
    for (const id of ['w2', 'w3']) judge.logWritten(`store-${id}`, 0, view(2, 2), []);
    judge.ringSwapped(ring(3, record(1, 2)), ring(4, record(2, 2, 'w2')));
  });

  const findings: [string, RegExp, (judge: ProtocolInvariants) => void][] = [
    [
      'a commit position that no majority holds',
      /believes 3 committed/,
      (judge) => judge.believed(run, { ...belief, commitSeq: 3 }),
    ],
    [
      'more applied than committed',
      /applied 2 beyond 1/,
      (judge) => judge.believed(run, { ...belief, commitSeq: 1 }),
    ],
    [
      'an entry applied that is not committed',
      /not committed/,
      (judge) => judge.applied('store-w1', 0, [entry(1, 3)]),
    ],
    [
      'an entry applied that is another one',
      /not committed/,
      (judge) => judge.applied('store-w1', 0, [entry(2, 2)]),
    ],
    [
      'two different entries with one position',
      /two different entries/,
      (judge) => judge.logWritten('store-w3', 0, view(1, 2), [entry(1, 2, 'x')]),
    ],
    [
      'a promise that falls',
      /promise fell/,
      (judge) => judge.logWritten('store-w1', 0, view(1, 2, { promisedEpoch: 0 }), []),
    ],
    [
      'a promise that is forgotten',
      /promise was forgotten/,
      (judge) => judge.logWritten('store-w1', 0, null, []),
    ],
    [
      'a synced epoch that falls',
      /synced epoch fell/,
      (judge) => {
        judge.logWritten('store-w3', 0, view(2, 2), []);
        judge.logWritten('store-w3', 0, view(1, 2, { promisedEpoch: 2 }), []);
      },
    ],
    [
      'a cut within the synced epoch',
      /cut from 2 to 1/,
      (judge) => judge.logWritten('store-w1', 0, view(1, 1), []),
    ],
    [
      'two beginnings of one epoch',
      /two beginnings/,
      (judge) => {
        judge.logWritten('store-w2', 0, view(2, 2), []);
        judge.logWritten('store-w3', 0, view(2, 2, { epochStarts: [{ epoch: 2, firstSeq: 1 }] }), []);
      },
    ],
    [
      'serving below the own promise',
      /below its promise/,
      (judge) => judge.believed(run, { ...belief, promisedEpoch: 2 }),
    ],
    [
      'serving in an epoch that is not in the ring',
      /not in the ring/,
      (judge) => judge.believed(run, { ...belief, servingEpoch: 2, promisedEpoch: 2 }),
    ],
    [
      'serving under another boot count',
      /names another primary/,
      (judge) => judge.believed({ ...run, bootCount: 2 }, belief),
    ],
    [
      'two primaries in one epoch',
      /two primaries/,
      (judge) => {
        judge.believed(run, belief);
        judge.believed({ ...run, runId: 'run-2' }, belief);
      },
    ],
    [
      'a configuration whose voters lack what is committed',
      /only 1 of 3 voters hold/,
      (judge) => {
        judge.ringSwapped(ring(2, record(1, 1)), ring(3, record(1, 2)));
        judge.logWritten('store-w1', 0, view(2, 2), []);
        judge.logWritten('store-w3', 0, view(2, 1), []);
        judge.ringSwapped(ring(3, record(1, 2)), ring(4, record(2, 2)));
      },
    ],
    [
      'a configuration with another entry where something is committed',
      /another entry/,
      (judge) => {
        judge.ringSwapped(ring(2, record(1, 1)), ring(3, record(1, 2)));
        const epochStarts = [
          { epoch: 1, firstSeq: 1 },
          { epoch: 2, firstSeq: 2 },
        ];
        for (const id of ['w2', 'w3'])
          judge.logWritten(`store-${id}`, 0, view(2, 2, { epochStarts }), [entry(2, 2)]);
        judge.ringSwapped(ring(3, record(1, 2)), ring(4, record(2, 2, 'w2')));
      },
    ],
    [
      'a ring version that is skipped',
      /version went from/,
      (judge) => judge.ringSwapped(ring(2, record(1, 1)), ring(4, record(1, 1))),
    ],
    [
      'an epoch that falls',
      /epoch fell/,
      (judge) => judge.ringSwapped(ring(2, record(2, 2)), ring(3, record(1, 2))),
    ],
    [
      'an epoch committed over another attempt',
      /committed over the attempt/,
      (judge) => judge.ringSwapped(ring(2, record(1, 3)), ring(3, record(2, 3))),
    ],
    [
      'an attempt that was allocated before',
      /was allocated before/,
      (judge) =>
        judge.ringSwapped(
          { ...ring(2, record(1, 1)), epochCounter: 5 },
          { ...ring(3, record(1, 2)), epochCounter: 5 },
        ),
    ],
    [
      'a counter that falls',
      /counter fell/,
      (judge) => judge.ringSwapped({ ...ring(2, record(1, 1)), epochCounter: 5 }, ring(3, record(1, 1))),
    ],
    [
      'an identity that changes within its epoch',
      /changed within epoch/,
      (judge) => judge.ringSwapped(ring(2, record(1, 1)), ring(3, record(1, 1, 'w2'))),
    ],
    [
      'a primary that is no voter',
      /not a voter/,
      (judge) => judge.ringSwapped(ring(2, record(1, 2)), ring(3, record(2, 2, 'w9'))),
    ],
  ];

  it.each(findings)('finds %s', (_name, message, violate) => {
    const judge = committedTwo();
    expect(() => violate(judge)).toThrow(message);
  });
});
