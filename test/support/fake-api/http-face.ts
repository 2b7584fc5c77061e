/** The fake API server behind HTTP, for the shipping transport: requests, and watches as streams of lines. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { shown } from './fake-api-server.js';
import type { Change, FakeApiServer } from './fake-api-server.js';
import { failure } from './fake-objects.js';
import { parsePath, selects } from './fake-paths.js';

export interface HttpFace {
  config: KubeConfig;
  /** Ends all watches, as a server does now and then. */
  endWatches(): void;
  close(): Promise<void>;
}

const bookmarkMs = 100;

export async function serveFakeApi(api: FakeApiServer): Promise<HttpFace> {
  const streams = new Set<http.ServerResponse>();
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const query = Object.fromEntries(url.searchParams);
    if (query.watch === 'true') return watch(api, url.pathname, query, response, streams);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const contentType = request.headers['content-type'] ?? 'application/json';
      const method = request.method ?? 'GET';
      const answer = api.handle({ method, path: url.pathname, query, body, contentType });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'tester' },
  );
  const endWatches = () => {
    for (const stream of streams) stream.end();
  };
  return {
    config,
    endWatches,
    close: async () => {
      endWatches();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function watch(
  api: FakeApiServer,
  pathname: string,
  query: Record<string, string>,
  response: http.ServerResponse,
  streams: Set<http.ServerResponse>,
): void {
  const collection = parsePath(pathname)?.collection ?? '';
  const from = Number(query.resourceVersion ?? '0');
  response.writeHead(200, { 'content-type': 'application/json' });
  const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
  if (from < api.compactedBefore) {
    send('ERROR', failure(410, 'Expired', `too old resource version: ${from}`).body);
    response.end();
    return;
  }
  const pass = (change: Change) => {
    if (change.collection === collection && change.version > from && selects(query, change.object)) {
      send(change.type, shown(change.object));
    }
  };
  for (const change of [...api.changes]) pass(change);
  const unlisten = api.listen(pass);
  streams.add(response);
  const bookmarks = setInterval(() => {
    if (query.allowWatchBookmarks === 'true') {
      send('BOOKMARK', { kind: 'Bookmark', metadata: { resourceVersion: String(api.version) } });
    }
  }, bookmarkMs);
  response.on('close', () => {
    unlisten();
    clearInterval(bookmarks);
    streams.delete(response);
  });
}
