/**
 * etcd with three members and its defaults, reached over gRPC and through its JSON gateway. Each once in the
 * way that suits etcd best: clients speak to the leader, which need not pass requests on, and over gRPC they
 * share a few connections, which spares it much of the processor time that one for each would cost. And once
 * as programs do that know nothing of each other or of the leader: a connection for each, to any member.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { decodePutRevision, decodeRangeValue, encodePut, encodeRange } from '../wire/etcd-messages.js';
import { GrpcConnection } from '../wire/grpc-connection.js';
import { HttpConnection } from '../wire/http-connection.js';
import { ProcessGroup } from './process-group.js';
import type { Connection } from '../wire/connection.js';
import type { Door, System } from './system.js';

const host = '127.0.0.1';
const members = [0, 1, 2];
const sharedConnections = 4;

interface MemberStatus {
  header: { member_id: string };
  leader?: string;
}

export const etcd: System = {
  name: 'etcd',
  promise: {
    write: 'fsync on 2 of 3 members before the reply; survives the loss of any one member',
    read: 'linearizable (serializable=false), by the read index',
  },
  needs: { program: 'etcd', debianPackage: 'etcd-server' },
  doors: ['etcd', 'etcd-any', 'etcd-json', 'etcd-json-any'],
  async start(folder, port) {
    mkdirSync(folder, { recursive: true });
    const processes = new ProcessGroup('SIGKILL');
    for (const member of members) startMember(processes, folder, port, member);
    let leader = port;
    await processes.whenReady('etcd', async () => {
      const found = await leaderPort(port);
      leader = found ?? leader;
      return found !== null;
    });
    const any = members.map((member) => clientPort(port, member));
    const gateways = [gateway('etcd-json', [leader]), gateway('etcd-json-any', any)];
    return { processes, doors: [await grpc(leader), grpcEach(any), ...gateways] };
  },
};

function clientPort(port: number, member: number): number {
  return port + 2 * member;
}

function startMember(processes: ProcessGroup, folder: string, port: number, member: number): void {
  const url = (offset: number) => `http://${host}:${offset}`;
  const peer = (of: number) => url(clientPort(port, of) + 1);
  const client = url(clientPort(port, member));
  const etcdArguments = [
    ...['--name', `m${member}`, '--data-dir', path.join(folder, `m${member}`)],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer(member), '--initial-advertise-peer-urls', peer(member)],
    ...['--initial-cluster', members.map((of) => `m${of}=${peer(of)}`).join(',')],
    ...['--initial-cluster-state', 'new', '--logger', 'zap', '--log-level', 'error'],
  ];
  // etcd 3.4 wants this said where it is not tested upstream.
  const env = process.arch === 'x64' ? {} : { ETCD_UNSUPPORTED_ARCH: process.arch };
  processes.start('etcd', etcdArguments, path.join(folder, `m${member}.log`), env);
}

/** null while the members do not agree on a leader. */
async function leaderPort(port: number): Promise<number | null> {
  const statuses: MemberStatus[] = [];
  for (const member of members) {
    const reply = await fetch(`http://${host}:${clientPort(port, member)}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
    });
    statuses.push((await reply.json()) as MemberStatus);
  }
  const leader = statuses[0]?.leader ?? '0';
  if (leader === '0' || statuses.some((status) => status.leader !== leader)) return null;
  const index = statuses.findIndex(({ header }) => header.member_id === leader);
  return index < 0 ? null : clientPort(port, index);
}

async function grpc(port: number): Promise<Door> {
  const opening = Array.from({ length: sharedConnections }, () => GrpcConnection.open(host, port));
  const connections = (await Promise.all(opening)).map(grpcKeys);
  return {
    name: 'etcd',
    title: 'etcd, gRPC, the leader, shared connections',
    connect(client) {
      const connection = connections[client % connections.length];
      return connection === undefined
        ? Promise.reject(new Error('no connections'))
        : Promise.resolve(connection);
    },
  };
}

function grpcEach(ports: readonly number[]): Door {
  return {
    name: 'etcd-any',
    title: 'etcd, gRPC, any member',
    async connect(client) {
      const connection = await GrpcConnection.open(host, portOf(ports, client));
      return { ...grpcKeys(connection), close: () => connection.close() };
    },
  };
}

function portOf(ports: readonly number[], client: number): number {
  const port = ports[client % ports.length];
  if (port === undefined) throw new Error('no members');
  return port;
}

/** Closing is left to the end of the members: other clients use the same connection. */
function grpcKeys(connection: GrpcConnection): Connection {
  return {
    async put(key, value) {
      decodePutRevision(await connection.call('/etcdserverpb.KV/Put', encodePut(Buffer.from(key), value)));
    },
    async get(key) {
      return decodeRangeValue(await connection.call('/etcdserverpb.KV/Range', encodeRange(Buffer.from(key))));
    },
    close: () => undefined,
  };
}

function gateway(name: string, ports: readonly number[]): Door {
  return {
    name,
    title: `etcd, JSON gateway${ports.length > 1 ? ', any member' : ''}`,
    async connect(client) {
      const connection = await HttpConnection.open(new URL(`http://${host}:${portOf(ports, client)}`));
      return gatewayKeys(connection);
    },
  };
}

function gatewayKeys(connection: HttpConnection): Connection {
  const post = async (endpoint: string, message: object) => {
    const body = Buffer.from(JSON.stringify(message));
    const reply = await connection.request('POST', `/v3/kv/${endpoint}`, body);
    if (reply.status !== 200) throw new Error(`${endpoint}: ${reply.status} ${reply.body.toString()}`);
    return reply.body;
  };
  const base64 = (key: string) => Buffer.from(key).toString('base64');
  return {
    async put(key, value) {
      await post('put', { key: base64(key), value: value.toString('base64') });
    },
    async get(key) {
      const reply = JSON.parse((await post('range', { key: base64(key) })).toString()) as {
        kvs?: { value?: string }[];
      };
      const [found] = reply.kvs ?? [];
      return found === undefined ? null : Buffer.from(found.value ?? '', 'base64');
    },
    close: () => connection.close(),
  };
}
