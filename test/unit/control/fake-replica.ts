/** What a fake worker keeps of one partition. */
export interface FakeReplica {
  promisedEpoch: number;
  syncedEpoch: number;
  /** One mark per entry. */
  log: string[];
  commitSeq: number;
  /** A backup's grant of a read lease: a fence is answered after this. */
  grantUntil: number;
}

export function newFakeReplica(): FakeReplica {
  return { promisedEpoch: 0, syncedEpoch: 0, log: [], commitSeq: 0, grantUntil: -Infinity };
}
