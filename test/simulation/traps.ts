/**
 * The planted bugs: breaks one rule at a time and runs seeds with the rule's recipe until something finds it.
 * A seed counts only if it passes with the same recipe while the rule holds.
 */
import type { RuleName } from '../../core/rules.js';
import type { SeedJob } from './batch.js';
import { runBatch } from './batch.js';
import type { SeedResult } from './run.js';

export const trapSeedsMax = 2_000;

/** Rules that others make redundant in every run within what the store promises to bear. */
export const secondLines: Partial<Record<RuleName, string>> = {
  'commit-known-by-choice':
    'boot counts and remembered acknowledgements find a forgetful store before the choice',
  'divergence-two-sided': 'a chosen replica knows every epoch in which an entry was written',
};

export interface TrapOutcome {
  rule: RuleName;
  /** Seeds run until one found it; null if none did. */
  seedsNeeded: number | null;
  found: string;
  reason: string;
  /** Seeds that failed although the rule held: a fault of the recipe, or of the product. */
  innocent: number[];
}

/** Where the search for one broken rule stands. */
class Hunt {
  readonly outcome: TrapOutcome;
  private nextSeed = 1;
  private readonly suspects: number[] = [];
  private readonly failures = new Map<number, NonNullable<SeedResult['failure']>>();

  constructor(
    rule: RuleName,
    private readonly seedsMax: number,
  ) {
    this.outcome = { rule, seedsNeeded: null, found: '', reason: '', innocent: [] };
  }

  /** Seeds that failed are run again with the rule in force, before any other. */
  next(): SeedJob | null {
    const recipe = this.outcome.rule;
    const suspect = this.suspects.shift();
    if (suspect !== undefined) return { seed: suspect, recipe, broken: false };
    if (this.outcome.seedsNeeded !== null || this.nextSeed > this.seedsMax) return null;
    this.nextSeed += 1;
    return { seed: this.nextSeed - 1, recipe, broken: true };
  }

  done({ seed, broken }: SeedJob, { failure }: SeedResult): void {
    const { outcome } = this;
    if (broken) {
      if (failure === null) return;
      this.failures.set(seed, failure);
      this.suspects.push(seed);
    } else if (failure !== null) {
      outcome.innocent.push(seed);
    } else if (outcome.seedsNeeded === null || seed < outcome.seedsNeeded) {
      const { found, reason } = this.failures.get(seed) ?? { found: '', reason: '' };
      Object.assign(outcome, { seedsNeeded: seed, found, reason });
    }
  }
}

export async function huntTraps(
  rules: readonly RuleName[],
  threads: number,
  seedsMax: number,
  tell: (outcome: TrapOutcome) => void,
): Promise<TrapOutcome[]> {
  const outcomes: TrapOutcome[] = [];
  for (const rule of rules) {
    const hunt = new Hunt(rule, seedsMax);
    await runBatch(
      threads,
      () => hunt.next(),
      (job, result) => {
        hunt.done(job, result);
        return false;
      },
    );
    outcomes.push(hunt.outcome);
    tell(hunt.outcome);
  }
  return outcomes;
}
