/**
 * Many seeds over several cores: each thread runs one seed at a time and asks for the next. The order in
 * which results come back is not that of the seeds, but each of them is the same on every machine.
 */
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import type { RuleName } from '../../core/rules.js';
import { recipeFor } from './recipes.js';
import type { SeedResult } from './run.js';
import { runSeed } from './run.js';

export interface SeedJob {
  seed: number;
  /** Whose recipe the seed is run with; null for the seed's own profile. */
  recipe: RuleName | null;
  /** The recipe's rule is broken too. */
  broken: boolean;
}

export function runJob({ seed, recipe, broken }: SeedJob): SeedResult {
  const adapt = recipe === null ? undefined : recipeFor(recipe);
  return runSeed({ seed, adapt, rule: broken && recipe !== null ? recipe : undefined });
}

/**
 * Runs what `next` hands out until it is null, on so many threads (1: in this one). `done` may change what
 * comes next; true ends the batch.
 */
export async function runBatch(
  threads: number,
  next: () => SeedJob | null,
  done: (job: SeedJob, result: SeedResult) => boolean,
): Promise<void> {
  if (threads <= 1) {
    for (let job = next(); job !== null; job = next()) {
      if (done(job, runJob(job))) return;
      // Lets signals and output through.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return;
  }
  let over = false;
  const nextUnlessOver = () => (over ? null : next());
  const doneUnlessOver = (job: SeedJob, result: SeedResult) => {
    if (!over) over = done(job, result);
  };
  await Promise.all(Array.from({ length: threads }, () => runThread(nextUnlessOver, doneUnlessOver)));
}

function runThread(
  next: () => SeedJob | null,
  done: (job: SeedJob, result: SeedResult) => void,
): Promise<void> {
  const thread = new Worker(new URL(import.meta.url));
  return new Promise((resolve, reject) => {
    let job = next();
    const give = () => {
      if (job === null) void thread.terminate().then(() => resolve());
      else thread.postMessage(job);
    };
    thread.on('message', (result: SeedResult) => {
      if (job !== null) done(job, result);
      job = next();
      give();
    });
    thread.on('error', reject);
    give();
  });
}

if (!isMainThread) {
  const port = parentPort;
  port?.on('message', (job: SeedJob) => port.postMessage(runJob(job)));
}
