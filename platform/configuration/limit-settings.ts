/** Every limit of the protocol as a setting, so that all three programs take them in the same words. */
import { defaultLimits, limitProblems } from '../../core/limits.js';
import type { Limits } from '../../core/limits.js';
import { byteSize, duration, integer } from './setting.js';
import type { Setting } from './setting.js';

export type LimitSettings = { [K in keyof Limits]: Setting<number> };

const descriptions: Record<keyof Limits, string> = {
  leaseMs: 'how long a backup lets the primary answer reads without asking',
  leaseRenewalMs: 'how often a primary whose keys are read renews its leases',
  leaseIdleMs: 'a partition nobody has read for this long renews no leases',
  idleRenewalMs: 'how often a primary speaks to the backups of an idle partition',
  leaseMarginMs: 'taken off each lease for clocks that run at different rates',
  requestDeadlineMs: 'how long a request may take before it is given up',
  heartbeatMs: 'how often a worker reports to the controller',
  suspicionMs: 'silence after which the controller probes a worker',
  probeMs: 'how long one probe may take',
  probesMax: 'probes without an answer before a worker counts as dead',
  replacementDelayMs: 'how long a worker may be away before its replicas are rebuilt elsewhere',
  peerSilentMs:
    'silence after which a stream between two processes is closed; a silent primary fails over no sooner',
  peerConnectMs: 'how long connecting to a process may take, before it says hello',
  casMs: 'how long the ring store may take for one change',
  fenceMs: 'how long the controller waits for promises',
  syncProgressMs: 'a sync without progress is given up after this',
  commitReadyMs: 'partitions of a batch that are ready wait at most this for the rest',
  holdMs: 'how long a planned move may hold writes back',
  tickMs: 'how often the machines are woken without a message',
  logBytesPerPartitionMax: 'log kept for replicas that lag behind, per partition',
  peerQueueBytesMax: 'what waits to be sent to one peer before its stream is dropped',
  uncommittedEntriesMax: 'writes of one partition that are under way',
  uncommittedBytesMax: 'bytes of the writes of one partition that are under way',
  applyDelayMs: 'how long writes are gathered before the table takes them',
  applyLagBytesMax: 'bytes that the table may lag behind the log',
  applyLagEntriesMax: 'committed entries that the table may lag behind the log',
  knownRowsBytesMax: 'bytes of keys and values that primaries remember, to spare looking into the table',
  syncBytesMax: 'largest gap filled from the log; a larger one is a full copy',
  idempotencyMs: 'how long an idempotency key is remembered',
  idempotencyKeysPerPartitionMax: 'idempotency keys remembered per partition',
  copiesMax: 'full copies at once',
  copyBytesPerSecondMax: 'bytes per second of full copies',
  diskReserveBytes: 'writes are refused while the disk has less room; on a small disk a twentieth of it',
  keyBytesMax: 'longest key',
  valueBytesMax: 'largest value',
};

const group = 'Times and bounds:';

function limitSetting(key: keyof Limits): Setting<number> {
  const shared = { description: descriptions[key], group };
  if (key.endsWith('Ms')) return duration({ ...shared, defaultMs: defaultLimits[key] });
  if (key.includes('Bytes')) return byteSize({ ...shared, default: defaultLimits[key] });
  return integer({ ...shared, default: defaultLimits[key] });
}

const limitKeys = Object.keys(defaultLimits) as (keyof Limits)[];

export const limitSettings = Object.fromEntries(
  limitKeys.map((key) => [key, limitSetting(key)]),
) as LimitSettings;

/** The limits among a program's values, and what does not fit together. */
export function limitsOf(values: Limits): { limits: Limits; problems: string[] } {
  const limits = Object.fromEntries(limitKeys.map((key) => [key, values[key]])) as unknown as Limits;
  return { limits, problems: limitProblems(limits) };
}
