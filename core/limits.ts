/**
 * Every duration and bound that the protocol depends on, with its default, and the check that they fit
 * together. Programs build one `Limits` from their configuration at start and refuse to start on a problem.
 */

export interface Limits {
  /** How long a backup's read lease lasts on its own clock. */
  leaseMs: number;
  /** How often an idle primary renews its leases and tells its commit position. */
  leaseRenewalMs: number;
  /**
   * A partition that nobody has read for this long needs no lease: its next read is confirmed by a round
   * instead.
   */
  leaseIdleMs: number;
  /** How often a primary speaks to its backups for a partition that is idle. */
  idleRenewalMs: number;
  /** Taken off a lease by its holder, for clocks that run at slightly different rates. */
  leaseMarginMs: number;
  /** From a request's arrival to the answer that gives up. */
  requestDeadlineMs: number;
  /** How often a worker reports to the controller. */
  heartbeatMs: number;
  /** Silence after which the controller suspects a worker and probes it. */
  suspicionMs: number;
  /** How long one probe may take. */
  probeMs: number;
  /** Probes without an answer before a silent worker counts as dead. */
  probesMax: number;
  /** How long a voter may be away before it is replaced. */
  replacementDelayMs: number;
  /** Silence after which a peer stream is closed. */
  peerSilentMs: number;
  peerConnectMs: number;
  /** How long the ring store may take for a compare-and-swap before its outcome counts as unknown. */
  casMs: number;
  fenceMs: number;
  /** A sync that makes no progress for this long is given up. */
  syncProgressMs: number;
  /** The partitions of a batch that are ready are committed after this, without the rest. */
  commitReadyMs: number;
  /** How long a planned move may hold writes back. */
  holdMs: number;
  /** How often the machines are woken without a message. */
  tickMs: number;
  logBytesPerPartitionMax: number;
  peerQueueBytesMax: number;
  /** Entries of one partition that a primary has handed out and that are not committed. */
  uncommittedEntriesMax: number;
  uncommittedBytesMax: number;
  /** How long what is committed may wait for more before it is applied to the table. */
  applyDelayMs: number;
  /** Committed entries of one worker that its table has not applied. */
  applyLagEntriesMax: number;
  /** Bytes of the entries of one worker that are in memory because its table has not applied them. */
  applyLagBytesMax: number;
  /**
   * Bytes of what the primaries of one worker know without asking its table: half for versions of keys, half
   * for rows.
   */
  knownRowsBytesMax: number;
  /** Bytes of log sent in one go to bring a replica level; a larger gap is a full copy. */
  syncBytesMax: number;
  idempotencyMs: number;
  idempotencyKeysPerPartitionMax: number;
  /** Full copies at once: of one controller's planning, and taken in by one worker. */
  copiesMax: number;
  copyBytesPerSecondMax: number;
  /** Clients' writes are refused while the disk has less room than this, or than a twentieth of its size. */
  diskReserveBytes: number;
  keyBytesMax: number;
  valueBytesMax: number;
}

export const defaultLimits: Limits = {
  leaseMs: 800,
  leaseRenewalMs: 200,
  leaseIdleMs: 5_000,
  idleRenewalMs: 2_000,
  leaseMarginMs: 40,
  requestDeadlineMs: 5_000,
  heartbeatMs: 500,
  suspicionMs: 1_500,
  probeMs: 300,
  probesMax: 2,
  replacementDelayMs: 60_000,
  peerSilentMs: 1_500,
  peerConnectMs: 500,
  casMs: 500,
  fenceMs: 1_000,
  syncProgressMs: 500,
  commitReadyMs: 200,
  holdMs: 500,
  tickMs: 50,
  logBytesPerPartitionMax: 64 * 1024 * 1024,
  peerQueueBytesMax: 8 * 1024 * 1024,
  uncommittedEntriesMax: 1_024,
  uncommittedBytesMax: 8 * 1024 * 1024,
  applyDelayMs: 2_000,
  applyLagEntriesMax: 60_000,
  applyLagBytesMax: 64 * 1024 * 1024,
  knownRowsBytesMax: 32 * 1024 * 1024,
  syncBytesMax: 8 * 1024 * 1024,
  idempotencyMs: 600_000,
  idempotencyKeysPerPartitionMax: 10_000,
  copiesMax: 8,
  copyBytesPerSecondMax: 64 * 1024 * 1024,
  diskReserveBytes: 64 * 1024 * 1024,
  keyBytesMax: 1_024,
  valueBytesMax: 1024 * 1024,
};

/** Sentences about limits that do not fit together; empty when all is well. */
export function limitProblems(limits: Limits): string[] {
  const problems: string[] = [];
  const require = (fine: boolean, problem: string) => {
    if (!fine) problems.push(problem);
  };
  for (const [name, value] of Object.entries(limits)) {
    require(Number.isSafeInteger(value) && value > 0, `${name} must be a whole number above 0, not ${value}`);
  }
  require(limits.leaseRenewalMs * 2 <= limits.leaseMs, 'leaseRenewalMs must be at most half of leaseMs');
  require(limits.leaseMarginMs * 4 <= limits.leaseMs, 'leaseMarginMs must be at most a quarter of leaseMs');
  require(limits.heartbeatMs * 2 <= limits.suspicionMs, 'suspicionMs must be at least twice heartbeatMs');
  require(limits.fenceMs >
    limits.leaseMs + limits.leaseMarginMs, 'fenceMs must be above leaseMs + leaseMarginMs');
  require(limits.requestDeadlineMs > limits.fenceMs, 'requestDeadlineMs must be above fenceMs');
  require(limits.replacementDelayMs > limits.suspicionMs, 'replacementDelayMs must be above suspicionMs');
  // What a message between workers can carry.
  require(limits.keyBytesMax <= 1_024, 'keyBytesMax must be at most 1024');
  require(limits.valueBytesMax <= 16 * 1024 * 1024, 'valueBytesMax must be at most 16 MiB');
  require(limits.uncommittedBytesMax > 2 * limits.valueBytesMax, 'uncommittedBytesMax must hold two values');
  require(limits.syncBytesMax > 2 * limits.valueBytesMax, 'syncBytesMax must hold two values');
  require(limits.peerQueueBytesMax > 2 * limits.valueBytesMax, 'peerQueueBytesMax must hold two values');
  return problems;
}
