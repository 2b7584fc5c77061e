/** The worker's settings. */
import { limitSettings, limitsOf } from '../platform/configuration/limit-settings.js';
import { duration, integer, text } from '../platform/configuration/setting.js';
import { logSettings, observabilitySettings } from '../platform/configuration/observability-settings.js';
import { readSettings } from '../platform/program.js';
import type { Limits } from '../core/limits.js';
import type { Values } from '../platform/configuration/setting.js';

const port = { min: 0, max: 65_535 };
const identifier = { pattern: /^[!-~]{1,128}$/, expected: 'at most 128 ASCII characters without spaces' };
const name = { pattern: /^[\w.-]{1,128}$/, expected: 'at most 128 letters, digits, _ . -' };

export const workerSettings = {
  id: text({
    description: 'name of this worker in its cluster (required)',
    default: null,
    placeholder: 'ID',
    ...name,
  }),
  clusterId: text({
    description: 'the cluster that it belongs to (required)',
    default: null,
    placeholder: 'ID',
    ...identifier,
  }),
  dataDir: text({ description: 'folder of its store (required)', default: null, placeholder: 'DIR' }),
  host: text({ description: 'address to listen on', default: '127.0.0.1', placeholder: 'HOST' }),
  port: integer({ description: 'port for clients (HTTP)', default: 7_401, range: port }),
  peerPort: integer({
    description: 'port for other workers and the controller',
    default: 7_501,
    range: port,
  }),
  handoverMs: duration({
    description: 'how long a worker that was told to stop waits for its primaries to be handed over',
    defaultMs: 8_000,
  }),
  lingerMs: duration({
    description: 'how long it then goes on answering, while load balancers forget it',
    defaultMs: 0,
  }),
  ...logSettings,
  ...observabilitySettings,
  ...limitSettings,
};

export type WorkerValues = Values<typeof workerSettings>;

export interface WorkerConfiguration {
  id: string;
  clusterId: string;
  dataDir: string;
  values: WorkerValues;
  limits: Limits;
  warnings: string[];
}

const program = {
  name: 'kvorum-worker',
  description: 'A worker of a Kvorum cluster: stores and serves keys.',
};

/** What is wrong with these values, in sentences. */
export function workerProblems(values: WorkerValues): string[] {
  const problems = limitsOf(values).problems;
  const required = { '--id': values.id, '--cluster-id': values.clusterId, '--data-dir': values.dataDir };
  for (const [name, value] of Object.entries(required)) {
    if (value === null) problems.push(`${name} must be given`);
  }
  if (values.port !== 0 && values.port === values.peerPort) {
    problems.push('--port and --peer-port must differ');
  }
  return problems;
}

/** Ends the process if the settings cannot be used. */
export function readWorkerConfiguration(): WorkerConfiguration {
  const { values, warnings } = readSettings(program, workerSettings, workerProblems);
  const { id, clusterId, dataDir } = values;
  if (id === null || clusterId === null || dataDir === null) throw new Error('checked before');
  return { id, clusterId, dataDir, values, limits: limitsOf(values).limits, warnings };
}
