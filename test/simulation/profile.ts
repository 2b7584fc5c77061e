/**
 * What one seed is made of: the size of the cluster, the limits, the storage, and its own mix and intensity
 * of faults ("swarm testing"): runs in which few kinds of faults happen often find what a bit of everything
 * does not.
 */
import { defaultLimits } from '../../core/limits.js';
import type { Limits } from '../../core/limits.js';
import type { NetworkProfile } from './network.js';
import type { Random } from './random.js';
import type { RingStoreProfile } from './ring-store.js';
import type { DiskProfile } from './storage/simulated-disk.js';

export const faultKinds = [
  'kill',
  'killSeveral',
  'killAll',
  'powerLoss',
  'pause',
  'suspend',
  'wallJump',
  'partition',
  'isolate',
  'oneWay',
  'partial',
  'slowLink',
  'breakStream',
  'twin',
  'diskFull',
  'diskError',
  'wipe',
  'rollBack',
  'damage',
  'ringOutage',
  'ringLost',
  'killController',
  'drain',
  'leave',
] as const;
/**
 * `forgetRun`: back to an older image of the same run. Only recipes ask for it: nobody can tell such a disk
 * if nothing on it was acknowledged.
 */
export type FaultKind = (typeof faultKinds)[number] | 'forgetRun';

export interface ClientProfile {
  count: number;
  keys: number;
  thinkMs: number;
  callsMax: number;
  valueBytes: number;
  /** Of writes with an idempotency key. */
  requestIdChance: number;
  /** 1: a good third of all writes has a precondition; below 0.36 each has. */
  unconditionalPart: number;
}

export interface Profile {
  workers: number;
  zones: number;
  partitions: number;
  replicationFactor: number;
  controllers: number;
  storage: 'model' | 'shipping';
  limits: Limits;
  network: NetworkProfile;
  disk: DiskProfile;
  ringStore: RingStoreProfile;
  clients: ClientProfile;
  /** Clock rates differ from the true one by at most this part. */
  driftMax: number;
  /** Of each direction between two places: as slow as a bad day from the beginning. */
  slowLinkChance: number;
  faultWeights: Partial<Record<FaultKind, number>>;
  /** A plot that follows what the workers say (see `Plot`); null in a run of chance alone. */
  plot: 'cutOffHolder' | 'lateGiveBack' | null;
  /** Mean time between two faults. */
  faultEveryMs: number;
  /** How long what was stopped stays away, on average. */
  awayMs: number;
  chaosMs: number;
  faultless: boolean;
}

/** Small bounds, so that what happens rarely in production happens often here. */
export function simulationLimits(random: Random): Limits {
  const valueBytesMax = 2_048;
  const limits = drawnLimits(random, valueBytesMax);
  // Small batches and little memory go together.
  return limits.applyLagEntriesMax === 64
    ? { ...limits, applyDelayMs: 1, knownRowsBytesMax: 4_000 }
    : { ...limits, applyDelayMs: 300, knownRowsBytesMax: 65_536 };
}

function drawnLimits(random: Random, valueBytesMax: number): Limits {
  return {
    ...defaultLimits,
    requestDeadlineMs: random.pick([2_000, 3_000, 5_000]),
    replacementDelayMs: random.pick([2_500, 4_000, 8_000]),
    logBytesPerPartitionMax: random.pick([4_096, 32_768, 1_048_576]),
    syncBytesMax: random.pick([5_000, 65_536, 8 * 1_048_576]),
    uncommittedEntriesMax: random.pick([8, 64, 1_024]),
    uncommittedBytesMax: 262_144,
    applyLagEntriesMax: random.pick([64, 2_000]),
    idempotencyKeysPerPartitionMax: 10_000,
    valueBytesMax,
  };
}

export function quietNetwork(): NetworkProfile {
  return {
    delayMs: 0.3,
    jitterMs: 0.3,
    lossChance: 0,
    duplicateChance: 0,
    reorderChance: 0,
    lateMs: 0,
    silentMs: defaultLimits.peerSilentMs,
  };
}

export function quietRingStore(limits: Limits): RingStoreProfile {
  return { delayMs: 3, unknownChance: 0, conflictChance: 0, timeoutMs: limits.casMs };
}

/** The profile of a seed. */
export function swarmProfile(random: Random): Profile {
  const limits = simulationLimits(random);
  const faultless = random.chance(0.04);
  const replicationFactor = random.pick([3, 3, 3, 3, 3, 2, 5, 1]);
  const workers = Math.max(replicationFactor, random.integer(3, 6));
  const messages = !faultless && random.chance(0.4);
  const network = quietNetwork();
  network.delayMs = random.pick([0.2, 1, 5]);
  network.jitterMs = random.pick([0.2, 1, 8]);
  if (messages) Object.assign(network, messageFaults(random));
  const hangs = !faultless && random.chance(0.3);
  return {
    workers,
    zones: random.pick([1, 1, 3]),
    partitions: random.pick([2, 4, 4, 8]),
    replicationFactor,
    controllers: faultless ? 1 : random.pick([1, 1, 2]),
    storage: random.chance(0.2) ? 'shipping' : 'model',
    limits,
    network,
    disk: {
      commitMs: random.pick([0.2, 1, 4]),
      commitJitterMs: random.pick([0.2, 2, 20]),
      tableMs: random.pick([0.3, 3, 30]),
      hangChance: hangs ? random.pick([0.001, 0.005]) : 0,
      hangMsMax: random.pick([300, 2_000, 4_000]),
    },
    ringStore: faultless
      ? quietRingStore(limits)
      : {
          delayMs: random.pick([2, 10, 60]),
          unknownChance: random.pick([0, 0, 0.05, 0.3]),
          conflictChance: random.pick([0, 0, 0.05, 0.3]),
          timeoutMs: limits.casMs,
        },
    clients: {
      count: random.integer(3, 6),
      keys: random.integer(4, 12),
      thinkMs: random.pick([10, 25, 60]),
      callsMax: random.pick([300, 600, 900]),
      valueBytes: random.pick([16, 200, 1_000]),
      requestIdChance: 0.4,
      unconditionalPart: 1,
    },
    driftMax: faultless ? 0 : 0.004,
    slowLinkChance: 0,
    faultWeights: faultless ? {} : swarmWeights(random),
    plot: null,
    faultEveryMs: random.pick([300, 800, 1_500, 2_500]),
    awayMs: random.pick([300, 1_000, 3_000]),
    chaosMs: random.integer(8_000, 14_000),
    faultless,
  };
}

function messageFaults(random: Random): Partial<NetworkProfile> {
  return {
    lossChance: random.pick([0, 0.002, 0.02]),
    duplicateChance: random.pick([0, 0.01, 0.05]),
    reorderChance: random.pick([0, 0.01, 0.05]),
    lateMs: random.pick([20, 300, 1_500]),
  };
}

/** Each kind of fault is in about half of the runs, with a weight of its own. */
function swarmWeights(random: Random): Partial<Record<FaultKind, number>> {
  const weights: Partial<Record<FaultKind, number>> = {};
  for (const kind of faultKinds) if (random.chance(0.45)) weights[kind] = random.pick([0.3, 1, 3]);
  // The ring is rebuilt from what the workers hold: then no disk may go as well.
  if (random.chance(0.15)) weights.ringLost = 1;
  else delete weights.ringLost;
  if (weights.ringLost !== undefined) {
    delete weights.wipe;
    delete weights.rollBack;
  }
  if (Object.keys(weights).length === 0) weights.kill = 1;
  return weights;
}
