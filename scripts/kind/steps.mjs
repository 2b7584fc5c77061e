// What kind:up and kind:down share: names, running a command behind a progress line, and finding what is
// missing.
import { spawnSync } from 'node:child_process';
import { runQuietly } from '../bootstrap/run-quietly.mjs';

export const clusterName = process.env.KIND_CLUSTER_NAME || 'kvorum';
export const release = 'kv';

/** Throws an Error with the end of the command's output. */
export async function step(title, command, commandArguments, environment = {}) {
  const { code, output } = await runQuietly(title, command, commandArguments, {
    env: { ...process.env, ...environment },
  });
  if (code !== 0) throw new Error(`${[command, ...commandArguments].join(' ')}\n${output}`);
  return output;
}

/** What the command writes; undefined if it fails. */
export function ask(command, commandArguments) {
  const { status, stdout } = spawnSync(command, commandArguments, { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}

/** Throws an Error that names every program that is missing, with where to get it. */
export function requirePrograms(programs) {
  const missing = Object.entries(programs).filter(
    ([name]) => spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status !== 0,
  );
  if (missing.length === 0) return;
  throw new Error(`not installed: ${missing.map(([name, source]) => `${name} (${source})`).join(', ')}`);
}

export async function main(run) {
  try {
    await run();
  } catch (error) {
    console.error(`kvorum: ${error.message}`);
    process.exitCode = 1;
  }
}
