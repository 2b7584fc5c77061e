/** Which processes make up the cluster, on which ports, with which arguments. Decides, starts nothing. */
import path from 'node:path';
import { limitSettings } from '../platform/configuration/limit-settings.js';
import { observabilitySettings } from '../platform/configuration/observability-settings.js';
import { workerNodeOptions } from '../platform/node-options.js';
import { flagNames } from '../platform/configuration/setting-name.js';
import { peerPortBase } from './config.js';
import type { LauncherValues } from './config.js';
import type { DataFolder } from './data-folder.js';

export interface PlannedPort {
  port: number;
  /** For a message. */
  use: string;
}

export interface PlannedProcess {
  name: string;
  role: 'controller' | 'worker';
  url: string;
  nodeOptions: readonly string[];
  /** Compiled program, relative to the root of the compiled tree. */
  program: string;
  arguments: string[];
  logFile: string;
  ports: PlannedPort[];
}

export function planProcesses(
  values: LauncherValues,
  given: ReadonlyMap<string, string>,
  data: Pick<DataFolder, 'of' | 'logFile' | 'note'>,
): PlannedProcess[] {
  const { host, port, workers, logLevel } = values;
  const { clusterId, partitions, replicationFactor } = data.note;
  const shared = ['--cluster-id', clusterId, '--host', host, '--log-level', logLevel, ...passedOn(given)];
  // Listening on all addresses is not an address to connect to.
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const names = Array.from({ length: workers }, (_, index) => `worker-${index + 1}`);
  const clientPort = (index: number) => port + 1 + index;
  const peerPort = (index: number) => peerPortBase(values) + 1 + index;
  const list = names.map((name, index) => `${name}@${reached}:${peerPort(index)}:${clientPort(index)}`);
  const controller: PlannedProcess = {
    name: 'controller',
    role: 'controller',
    url: `http://${reached}:${port}`,
    nodeOptions: [],
    program: path.join('operator', 'main.js'),
    arguments: [
      ...['--data-dir', data.of('controller'), '--port', String(port), '--workers', list.join(',')],
      ...['--partitions', String(partitions), '--replication-factor', String(replicationFactor)],
      ...shared,
    ],
    logFile: data.logFile('controller'),
    ports: [{ port, use: 'controller' }],
  };
  const planned = names.map((name, index): PlannedProcess => {
    const ports = ['--port', String(clientPort(index)), '--peer-port', String(peerPort(index))];
    return {
      name,
      role: 'worker',
      url: `http://${reached}:${clientPort(index)}`,
      nodeOptions: workerNodeOptions,
      program: path.join('node', 'main.js'),
      arguments: ['--id', name, '--data-dir', data.of(name), ...ports, ...shared],
      logFile: data.logFile(name),
      ports: [
        { port: clientPort(index), use: `${name}, for clients` },
        { port: peerPort(index), use: `${name}, for its peers` },
      ],
    };
  });
  return [controller, ...planned];
}

/** Only what somebody gave: defaults are the programs' own. */
function passedOn(given: ReadonlyMap<string, string>): string[] {
  return Object.entries({ ...limitSettings, ...observabilitySettings }).flatMap(([key, setting]) => {
    const value = given.get(key);
    const [flag] = flagNames(key);
    if (value === undefined || flag === undefined) return [];
    if (setting.placeholder !== '') return [flag, value];
    return [setting.parse(value) === true ? flag : flag.replace('--', '--no-')];
  });
}
