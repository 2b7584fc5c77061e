/** The launcher's settings: the shape of the cluster on this machine, and every limit, which it passes on. */
import { limitSettings, limitsOf } from '../platform/configuration/limit-settings.js';
import { duration, flag, integer, text } from '../platform/configuration/setting.js';
import { logSettings, observabilitySettings } from '../platform/configuration/observability-settings.js';
import { readSettings } from '../platform/program.js';
import type { StartedWith } from '../platform/program.js';
import type { Values } from '../platform/configuration/setting.js';

/** Peer ports are this far above the ports for clients, unless they are given. */
export const peerPortDistance = 100;
const workersMax = 64;
const replicationFactorDefault = 3;

export const launcherSettings = {
  workers: integer({ description: 'number of workers', default: 4, range: { min: 1, max: workersMax } }),
  replicationFactor: integer({
    description: 'replicas of each partition; no more than workers',
    default: replicationFactorDefault,
    range: { min: 1, max: 15 },
  }),
  partitions: integer({
    description: 'partitions, a power of two; fixed once the folder holds a cluster',
    default: 256,
    range: { min: 1, max: 65_536 },
  }),
  dataDir: text({
    description: 'folder of all data, one folder in it per process',
    default: './kvorum-data',
    placeholder: 'DIR',
  }),
  host: text({ description: 'address to listen on', default: '127.0.0.1', placeholder: 'HOST' }),
  port: integer({
    description: 'HTTP port of the controller; workers take the ones that follow',
    default: 7_400,
    range: { min: 1, max: 65_535 },
  }),
  peerPort: integer({
    description: 'the workers’ own streams take the ports that follow this one; 0 for 100 above --port',
    default: 0,
    range: { min: 0, max: 65_535 },
  }),
  restart: flag({ description: 'a process that ends stays ended', default: true }),
  restartDelayMs: duration({
    description: 'a process that ends is started again after this',
    defaultMs: 5_000,
  }),
  logLevel: logSettings.logLevel,
  ...observabilitySettings,
  ...limitSettings,
};

export type LauncherValues = Values<typeof launcherSettings>;

const program = {
  name: 'kvorum',
  description:
    'Starts a Kvorum cluster on this machine: a controller and workers, each a process of its own.',
  closing: `
  npm start                                        a controller on port 7400, workers on 7401 to 7404
  npm start -- --workers 5 --data-dir /var/tmp/kv  the same with five, data elsewhere
  npm start -- --no-restart --replacement-delay 10s`,
};

export function peerPortBase(values: Pick<LauncherValues, 'port' | 'peerPort'>): number {
  return values.peerPort === 0 ? values.port + peerPortDistance : values.peerPort;
}

/** What is wrong with these values, in sentences. */
export function launcherProblems(values: LauncherValues): string[] {
  const { port, workers, partitions } = values;
  const problems = limitsOf(values).problems;
  if (!Number.isInteger(Math.log2(partitions))) problems.push('--partitions must be a power of two');
  const base = peerPortBase(values);
  if (Math.max(port, base) + workers > 65_535) problems.push('--port leaves too few ports for the workers');
  const overlap = base + workers >= port && base + 1 <= port + workers;
  if (overlap) problems.push('--peer-port and --port give two processes the same port');
  return problems;
}

/** Ends the process if the settings cannot be used. */
export function readLauncherConfiguration(): StartedWith<typeof launcherSettings> {
  return readSettings(program, launcherSettings, launcherProblems);
}
