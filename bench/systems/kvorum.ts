/**
 * Kvorum as `npm start` starts it: a controller and four workers, all defaults. And with three workers, as
 * many servers as the others have: on the cores of one machine each more has its price.
 */
import path from 'node:path';
import { HttpConnection } from '../wire/http-connection.js';
import { partitionOf } from '../../core/ring/hash.js';
import { ProcessGroup } from './process-group.js';
import type { Connection } from '../wire/connection.js';
import type { Door, System } from './system.js';

export interface KvorumStatus {
  workers: { id: string; url: string; pid: number }[];
  partitions: { total: number; fullyReplicated: number };
}

export interface KvorumWorker {
  id: string;
  url: URL;
}

export interface Ring {
  partitions: { primary: { id: string } }[];
}

type DoorName = Pick<Door, 'name' | 'title'>;

const launcher = path.resolve(import.meta.dirname, '../../launcher/main.js');

const ownName: DoorName = { name: 'kvorum', title: 'Kvorum' };
export const kvorum = systemOf(ownName, []);
export const kvorumOfThree = systemOf({ name: 'kvorum-3', title: 'Kvorum of three' }, ['--workers', '3']);

function systemOf({ name, title }: DoorName, launcherOptions: string[]): System {
  return {
    name,
    promise: {
      write: 'fsync on 2 of 3 replicas before the reply; survives the loss of any one worker',
      read: 'linearizable, by the primary under its lease',
    },
    needs: null,
    doors: [name, `${name}-primary`],
    async start(folder, port) {
      const processes = startLauncher(folder, port, launcherOptions);
      const status = await whenReplicated(processes, port);
      const workers = status.workers.map(({ id, url }) => ({ id, url: new URL(url) }));
      const primaryDoor = await primaries({ name: `${name}-primary`, title }, workers, port);
      return { processes, doors: [anyWorker(workers, { name, title }), primaryDoor] };
    },
  };
}

export function startLauncher(folder: string, port: number, more: string[]): ProcessGroup {
  const processes = new ProcessGroup();
  const launcherArguments = [launcher, '--port', String(port), '--data-dir', folder, ...more];
  processes.start(process.execPath, launcherArguments, `${folder}.log`);
  return processes;
}

/** Until every partition has all its replicas. */
export async function whenReplicated(processes: ProcessGroup, port: number): Promise<KvorumStatus> {
  await processes.whenReady('kvorum', async () => {
    const { fullyReplicated, total } = (await readStatus(port)).partitions;
    return total > 0 && fullyReplicated === total;
  });
  return readStatus(port);
}

export async function readStatus(port: number): Promise<KvorumStatus> {
  const reply = await fetch(`http://127.0.0.1:${port}/v1/status`);
  if (!reply.ok) throw new Error(`the controller answers ${reply.status}`);
  return (await reply.json()) as KvorumStatus;
}

export async function readRing(port: number): Promise<Ring> {
  const reply = await fetch(`http://127.0.0.1:${port}/v1/ring`);
  if (!reply.ok) throw new Error(`the controller answers ${reply.status}`);
  return (await reply.json()) as Ring;
}

/** A client that knows nothing: each has one connection, to one of the workers, which passes requests on. */
export function anyWorker(workers: readonly KvorumWorker[], { name, title } = ownName): Door {
  return {
    name,
    title: `${title}, any worker`,
    async connect(client) {
      const worker = workers[client % workers.length];
      if (worker === undefined) throw new Error('no workers');
      const connection = await HttpConnection.open(worker.url);
      return httpKeys(
        () => connection,
        () => connection.close(),
      );
    },
  };
}

/** A client that knows the ring: each request goes to the primary of its key. */
async function primaries(
  { name, title }: DoorName,
  workers: readonly KvorumWorker[],
  port: number,
): Promise<Door> {
  const ring = await readRing(port);
  const owners = ring.partitions.map(({ primary }) => primary.id);
  return {
    name,
    title: `${title}, the key’s primary`,
    async connect() {
      const byId = new Map<string, HttpConnection>();
      for (const { id, url } of workers) byId.set(id, await HttpConnection.open(url));
      const of = (key: string) => {
        const connection = byId.get(owners[partitionOf(Buffer.from(key), owners.length)] ?? '');
        if (connection === undefined) throw new Error(`no primary is known for ${key}`);
        return connection;
      };
      return httpKeys(of, () => byId.forEach((connection) => connection.close()));
    },
  };
}

function httpKeys(of: (key: string) => HttpConnection, close: () => void): Connection {
  return {
    async put(key, value) {
      const { status, body } = await of(key).request('PUT', `/v1/kv/${key}`, value);
      if (status !== 200 && status !== 201) throw new Error(`PUT: ${status} ${body.toString()}`);
    },
    async get(key) {
      const { status, body } = await of(key).request('GET', `/v1/kv/${key}`);
      if (status === 404) return null;
      if (status !== 200) throw new Error(`GET: ${status} ${body.toString()}`);
      return body;
    },
    close,
  };
}
