/**
 * For each rule that can be broken: which faults make the break show. A recipe changes the profile that a
 * seed draws anyway; with no rule broken the same recipes have to pass.
 */
import type { RuleName } from '../../core/rules.js';
import type { FaultKind, Profile } from './profile.js';
import type { Random } from './random.js';

export type Recipe = (profile: Profile, random: Random) => void;

/** Only these faults, this often; messages arrive well unless something else is said. */
function faults(profile: Profile, weights: Partial<Record<FaultKind, number>>, everyMs = 600): void {
  profile.faultless = false;
  profile.faultWeights = weights;
  profile.faultEveryMs = everyMs;
}

/** Three voters of a few partitions, and clients that hurry: most rules show there at once. */
function base(profile: Profile): void {
  profile.replicationFactor = 3;
  profile.workers = Math.max(3, Math.min(profile.workers, 5));
  profile.partitions = Math.min(profile.partitions, 4);
  profile.storage = 'model';
  profile.clients.thinkMs = 10;
  profile.clients.keys = 6;
  profile.clients.callsMax = 900;
  profile.chaosMs = 10_000;
}

/** Messages that come late, twice and in another order. */
function unrulyMessages(profile: Profile, lateMs: number): void {
  Object.assign(profile.network, { reorderChance: 0.2, duplicateChance: 0.2, lateMs });
}

/** Leases that outlast a failover, so that whoever ignores them is caught. */
function longLeases(profile: Profile): void {
  profile.limits.leaseMs = 3_000;
  profile.limits.fenceMs = 3_500;
  profile.limits.requestDeadlineMs = 5_000;
}

function slowDisks(profile: Profile): void {
  profile.disk.commitMs = 4;
  profile.disk.commitJitterMs = 30;
}

const disagreement: Partial<Record<FaultKind, number>> = {
  partial: 4,
  isolate: 3,
  oneWay: 2,
  kill: 2,
  pause: 2,
  killController: 1,
  ringOutage: 1,
};

const byRule: Partial<Record<RuleName, Recipe>> = {
  'allocation-must-answer': (profile) => {
    profile.ringStore.unknownChance = 0.3;
    profile.controllers = 2;
  },
  'one-epoch-one-choice': (profile) => {
    slowDisks(profile);
    profile.workers = 3;
    profile.awayMs = 2_000;
    faults(profile, { partial: 6, kill: 3, oneWay: 1 }, 500);
  },
  'commit-checks-attempt': (profile) => {
    profile.controllers = 2;
    profile.ringStore.delayMs = 60;
  },
  'boot-count-in-record': (profile) => faults(profile, { kill: 5, drain: 1 }, 400),
  'store-id-in-record': (profile) => {
    profile.awayMs = 3_000;
    profile.workers = 3;
    faults(profile, { wipe: 3, kill: 2, powerLoss: 2 }, 500);
  },
  'fence-store-ids': (profile) => {
    profile.awayMs = 3_000;
    profile.workers = 3;
    faults(profile, { wipe: 3, kill: 3, slowLink: 3, isolate: 2 }, 400);
  },
  'registration-keeps-identities': (profile) => {
    profile.limits.replacementDelayMs = 8_000;
    faults(profile, { drain: 4, wipe: 3, kill: 2 }, 400);
  },
  'lead-names-choice': (profile) => {
    unrulyMessages(profile, 3_000);
    profile.network.duplicateChance = 0.5;
    profile.awayMs = 30;
    faults(profile, { wipe: 6, kill: 1 }, 300);
  },
  'promise-first': (profile) => {
    slowDisks(profile);
    faults(profile, { kill: 3, drain: 2, powerLoss: 2 }, 400);
  },
  'refuse-below-promise': (profile) => {
    unrulyMessages(profile, 400);
    profile.slowLinkChance = 0.25;
    faults(profile, { pause: 4, diskFull: 1, leave: 2, partial: 3, isolate: 2, oneWay: 2, kill: 1 }, 400);
  },
  'no-cut-within-synced-epoch': (profile) => {
    unrulyMessages(profile, 1_500);
    faults(profile, { kill: 3, breakStream: 3, partial: 2, wipe: 1, damage: 1 }, 300);
    profile.limits.logBytesPerPartitionMax = 4_096;
  },
  'fence-waits-for-grants': (profile) => {
    longLeases(profile);
    faults(profile, { twin: 4, isolate: 1 }, 800);
  },
  'give-back-names-epoch': (profile) => {
    profile.plot = 'lateGiveBack';
    profile.clients.keys = 3;
    faults(profile, { drain: 1 }, 1_000);
  },
  'no-lease-after-give-back': (profile) => {
    longLeases(profile);
    profile.plot = 'cutOffHolder';
    profile.clients.keys = 3;
    faults(profile, { drain: 1 }, 1_000);
  },
  'quiet-after-restart': (profile) => {
    longLeases(profile);
    profile.awayMs = 50;
    faults(profile, { twin: 3, kill: 6, killSeveral: 2 }, 250);
  },
  'lease-checked-after-read': (profile) => {
    profile.awayMs = 3_000;
    faults(profile, { pause: 4 }, 1_200);
  },
  'clocks-compared': (profile) => {
    profile.awayMs = 3_000;
    faults(profile, { suspend: 4 }, 1_500);
  },
  'not-applied-needs-ring': (profile) => {
    slowDisks(profile);
    profile.replicationFactor = 2;
    profile.workers = 2;
    profile.limits.requestDeadlineMs = 5_000;
    profile.awayMs = 500;
    faults(profile, { diskFull: 4, isolate: 4, partial: 3, oneWay: 2 }, 300);
  },
  'lost-place-is-lasting': (profile) => {
    profile.awayMs = 50;
    faults(profile, { diskFull: 5 }, 300);
  },
  'restart-loses-place': (profile) => {
    profile.awayMs = 20;
    faults(profile, { kill: 5, powerLoss: 2 }, 400);
  },
  'delete-at-promise': (profile) => {
    unrulyMessages(profile, 1_500);
    profile.network.lossChance = 0.1;
    profile.workers = 4;
    profile.limits.replacementDelayMs = 2_500;
    faults(profile, { drain: 6, slowLink: 3, wipe: 1 }, 300);
  },
  'promise-survives-delete': (profile) => faults(profile, { drain: 4, kill: 1, wipe: 1 }, 400),
  'apply-committed-only': (profile) => {
    slowDisks(profile);
    faults(profile, disagreement, 400);
  },
  'commit-needs-synced-epoch': (profile) => {
    slowDisks(profile);
    faults(profile, { isolate: 4, pause: 3, kill: 3, partial: 2 }, 400);
  },
  'commit-after-durable-here': (profile) => slowDisks(profile),
  'copy-before-log': (profile) => {
    profile.limits.logBytesPerPartitionMax = 4_096;
    profile.limits.syncBytesMax = 5_000;
    profile.partitions = 2;
    profile.clients.keys = 12;
    profile.clients.valueBytes = 1_000;
    profile.disk.tableMs = 30;
    profile.awayMs = 300;
    faults(profile, { wipe: 3, kill: 4, powerLoss: 3, drain: 2 }, 300);
  },
  'memory-of-acks': (profile) => {
    faults(profile, { forgetRun: 4, breakStream: 1 }, 300);
  },
  'boot-count-remembered': (profile) => {
    faults(profile, { rollBack: 5, kill: 3, breakStream: 1 }, 300);
    profile.awayMs = 50;
  },
  'committed-reads': (profile) => {
    slowDisks(profile);
    profile.awayMs = 4_000;
    profile.clients.keys = 3;
    faults(profile, { isolate: 5, twin: 3 }, 1_500);
  },
  'idempotency-before-precondition': (profile) => {
    profile.clients.requestIdChance = 1;
    profile.clients.unconditionalPart = 0.4;
    faults(profile, { kill: 5, killAll: 1, twin: 1 }, 300);
  },
  'idempotency-in-flight': (profile) => {
    slowDisks(profile);
    profile.disk.commitJitterMs = 300;
    faults(profile, { kill: 4, isolate: 3, partial: 3, twin: 2 }, 300);
  },
  'divergence-two-sided': (profile) => {
    slowDisks(profile);
    faults(profile, { ...disagreement, kill: 4 }, 300);
  },
  'stale-fence-refused': (profile) => {
    unrulyMessages(profile, 1_500);
    profile.controllers = 2;
    faults(profile, { killController: 3, partial: 2, oneWay: 2, kill: 2, isolate: 2 }, 300);
  },
  'chosen-stays-voter': (profile) => faults(profile, { drain: 5, kill: 3, wipe: 1 }, 300),
};

export function recipeFor(rule: RuleName): Recipe {
  return (profile, random) => {
    base(profile);
    faults(profile, { kill: 2, partition: 1, oneWay: 1, pause: 1, breakStream: 1, isolate: 1, powerLoss: 1 });
    byRule[rule]?.(profile, random);
  };
}
