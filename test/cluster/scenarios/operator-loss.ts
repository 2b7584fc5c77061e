/** Operators are lost at random moments while something goes on: clients must not notice more of it. */
import { OperatorKiller } from '../operator-killer.js';
import type { Trial } from '../trial.js';
import { scale, upgrade } from './changes.js';
import { podDeleted, processKilled } from './worker-loss.js';

export async function withOperatorsKilled(
  trial: Trial,
  scenario: (trial: Trial) => Promise<void>,
): Promise<void> {
  trial.disturb = () => new OperatorKiller(trial.kubernetes);
  await scenario(trial);
  trial.disturb = null;
}

export async function operatorsKilled(trial: Trial): Promise<void> {
  for (const scenario of [podDeleted, processKilled, upgrade, scale]) {
    await withOperatorsKilled(trial, scenario);
  }
}
