/**
 * Redis, one master and two replicas, each of which fsyncs its append-only file before it goes on
 * (`appendfsync always`); a write is a SET and a WAIT for one replica, sent in one go.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { encodeCommand, RespConnection } from '../wire/resp-connection.js';
import { ProcessGroup } from './process-group.js';
import type { System } from './system.js';

const host = '127.0.0.1';
const replicas = 2;
const waitTimeoutMs = 5_000;

export const redis: System = {
  name: 'redis',
  promise: {
    write:
      'fsync on the master and on one replica before the reply; without consensus: a failover can lose it',
    read: 'by the master, which cannot know that it has been replaced',
  },
  needs: { program: 'redis-server', debianPackage: 'redis-server' },
  doors: ['redis'],
  async start(folder, port) {
    const processes = new ProcessGroup();
    for (let member = 0; member <= replicas; member += 1) startMember(processes, folder, port, member);
    await processes.whenReady('redis', async () => {
      const connection = await RespConnection.open(host, port);
      const [replication] = await connection.send(encodeCommand(['INFO', 'replication']), 1);
      connection.close();
      return (String(replication).match(/state=online/g) ?? []).length === replicas;
    });
    return {
      processes,
      doors: [{ name: 'redis', title: 'Redis, always + WAIT 1', connect: () => keys(port) }],
    };
  },
};

function startMember(processes: ProcessGroup, folder: string, port: number, member: number): void {
  const own = path.join(folder, `r${member}`);
  mkdirSync(own, { recursive: true });
  const redisArguments = [
    ...['--port', String(port + member), '--bind', host, '--dir', own, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'always', '--repl-diskless-sync-delay', '0'],
    ...(member === 0 ? [] : ['--replicaof', `${host} ${port}`]),
  ];
  processes.start('redis-server', redisArguments, path.join(own, 'log'));
}

async function keys(port: number) {
  const connection = await RespConnection.open(host, port);
  const wait = encodeCommand(['WAIT', '1', String(waitTimeoutMs)]);
  return {
    async put(key: string, value: Buffer) {
      const batch = Buffer.concat([encodeCommand(['SET', key, value]), wait]);
      const [set, acknowledged] = await connection.send(batch, 2);
      if (set !== 'OK' || Number(acknowledged) < 1)
        throw new Error(`SET: ${String(set)}, WAIT: ${String(acknowledged)}`);
    },
    async get(key: string) {
      const [value] = await connection.send(encodeCommand(['GET', key]), 1);
      return value instanceof Buffer ? value : null;
    },
    close: () => connection.close(),
  };
}
