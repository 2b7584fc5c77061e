/**
 * `npm start`: starts the processes of a cluster on this machine, shows them, starts them again when they
 * end, and stops them in order. It takes no part in what they do.
 */
import path from 'node:path';
import { readLauncherConfiguration } from './config.js';
import { DataFolder, DataFolderError } from './data-folder.js';
import { createDisplay } from './display.js';
import { LocalCluster } from './local-cluster.js';
import { portProblems } from './port-check.js';
import { planProcesses } from './process-plan.js';
import { welcomeText } from './welcome.js';
import { configurationExitCode } from '../platform/configuration/configuration.js';
import type { LauncherValues } from './config.js';

/** A terminal and npm both pass the same signal on. */
const echoMs = 500;

const { values, given, warnings } = readLauncherConfiguration();
for (const warning of warnings) process.stderr.write(`kvorum: ${warning}\n`);
const folder = path.resolve(values.dataDir);
const data = openFolder(values);
const planned = planProcesses(values, given, data);
const busy = await portProblems(
  values.host,
  planned.flatMap(({ ports }) => ports),
);
if (busy.length > 0) refuse([...busy, 'choose other ports with --port']);

const { restart, restartDelayMs } = values;
const cluster = new LocalCluster(
  planned,
  { restart, restartDelayMs },
  createDisplay(process.stdout),
  (processes) => welcomeText(processes, folder),
);
// Whatever ends this process otherwise ends the children too: the channel to them closes.
let stoppingSince: number | null = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
cluster.start();

function openFolder({ workers, partitions, replicationFactor }: LauncherValues): DataFolder {
  const wanted = {
    workers,
    partitions: given.has('partitions') ? partitions : null,
    replicationFactor: given.has('replicationFactor') ? replicationFactor : null,
  };
  try {
    return DataFolder.open(folder, wanted, { partitions, replicationFactor });
  } catch (error) {
    if (error instanceof DataFolderError) return refuse([error.message]);
    throw error;
  }
}

function refuse(problems: readonly string[]): never {
  for (const problem of problems) process.stderr.write(`kvorum: ${problem}\n`);
  process.exit(configurationExitCode);
}

function stop(signal: string): void {
  const now = performance.now();
  if (stoppingSince === null) {
    stoppingSince = now;
    process.stdout.write(`\n${signal}: stopping all processes in order; once more kills them at once\n`);
    void cluster.stop().then(() => {
      data.close();
      process.stdout.write('stopped\n');
      process.exit(0);
    });
  } else if (now - stoppingSince > echoMs) {
    cluster.killAll();
    process.exit(1);
  }
}
