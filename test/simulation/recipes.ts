/**
 * For each rule that can be broken: which faults make the break show. A recipe changes the profile that a seed draws anyway; with
 * no rule broken the same recipes have to pass.
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

const byRule: Partial<Record<RuleName, Recipe>> = {};

export function recipeFor(rule: RuleName): Recipe {
  return (profile, random) => {
    base(profile);
    faults(profile, { kill: 2, partition: 1, oneWay: 1, pause: 1, breakStream: 1, isolate: 1, powerLoss: 1 });
    byRule[rule]?.(profile, random);
  };
}

export const recipeNames = Object.keys(byRule);
