/** The controller's settings. */
import { limitSettings, limitsOf } from '../platform/configuration/limit-settings.js';
import { choice, integer, listOf, text } from '../platform/configuration/setting.js';
import { logSettings, observabilitySettings } from '../platform/configuration/observability-settings.js';
import { readSettings } from '../platform/program.js';
import { parseWorker } from './worker-list.js';
import type { Limits } from '../core/limits.js';
import type { Values } from '../platform/configuration/setting.js';

/** Where workers run, and who says which there are. */
export const modes = ['local', 'kubernetes'] as const;

const identifier = { pattern: /^[!-~]{1,128}$/, expected: 'at most 128 ASCII characters without spaces' };

/** Told before anything else, since the other settings depend on it: by the environment alone. */
export function modeOf(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.KVORUM_MODE ?? 'local';
}

const mode = choice({
  description: 'where the workers run; taken from KVORUM_MODE only',
  default: 'local',
  choices: modes,
});

/** What the controller is told in either mode. */
export const processSettings = {
  mode,
  host: text({ description: 'address to listen on', default: '127.0.0.1', placeholder: 'HOST' }),
  port: integer({
    description: 'port for status and metrics (HTTP)',
    default: 7_400,
    range: { min: 0, max: 65_535 },
  }),
  ...logSettings,
  ...observabilitySettings,
  ...limitSettings,
};

export const controllerSettings = {
  clusterId: text({
    description: 'the cluster that it looks after (required)',
    default: null,
    placeholder: 'ID',
    ...identifier,
  }),
  dataDir: text({ description: 'folder of the ring document (required)', default: null, placeholder: 'DIR' }),
  workers: listOf({
    description: 'the workers, ID@HOST:PEERPORT:CLIENTPORT[/ZONE] each, separated by commas (required)',
    placeholder: 'LIST',
    parseItem: parseWorker,
  }),
  partitions: integer({
    description: 'partitions of a new cluster, a power of two; fixed once it exists',
    default: 256,
    range: { min: 1, max: 65_536 },
  }),
  replicationFactor: integer({
    description: 'replicas of each partition of a new cluster',
    default: 3,
    range: { min: 1, max: 15 },
  }),
  ...processSettings,
};

export type ControllerValues = Values<typeof controllerSettings>;

export interface ControllerConfiguration {
  clusterId: string;
  dataDir: string;
  values: ControllerValues;
  limits: Limits;
  warnings: string[];
}

const program = {
  name: 'kvorum-controller',
  description: 'The controller of a Kvorum cluster: chooses primaries and replicas, replaces what is lost.',
};

/** What is wrong with these values, in sentences. */
export function controllerProblems(values: ControllerValues): string[] {
  const problems = limitsOf(values).problems;
  if (values.clusterId === null) problems.push('--cluster-id must be given');
  if (values.dataDir === null) problems.push('--data-dir must be given');
  if (values.workers.length === 0) problems.push('--workers must name at least one worker');
  const ids = values.workers.map(({ id }) => id);
  if (new Set(ids).size < ids.length) problems.push('--workers names one worker twice');
  if (!Number.isInteger(Math.log2(values.partitions))) problems.push('--partitions must be a power of two');
  if (values.workers.length > 0 && values.replicationFactor > values.workers.length) {
    problems.push(`--replication-factor must be at most the number of workers, ${values.workers.length}`);
  }
  return problems;
}

/** Ends the process if the settings cannot be used. */
export function readControllerConfiguration(): ControllerConfiguration {
  const { values, warnings } = readSettings(program, controllerSettings, controllerProblems);
  const { clusterId, dataDir } = values;
  if (clusterId === null || dataDir === null) throw new Error('checked before');
  return { clusterId, dataDir, values, limits: limitsOf(values).limits, warnings };
}
