/**
 * The controller's HTTP interface: what it sees, what it holds, whether it is well, and a page that shows all
 * of it to a person. Nothing here changes anything.
 */
import { createServer } from 'node:http';
import express from 'express';
import type { Server } from 'node:http';
import type { Express, NextFunction, Request, Response } from 'express';
import type { ClusterStatus } from '../core/control/cluster-status.js';
import type { RingRecord, WorkerId } from '../core/ring/ring-record.js';
import type { Logger } from '../platform/logger.js';
import type { Metrics } from '../platform/metrics/metrics.js';
import { pageRoutes } from './page/page-routes.js';
import type { Viewers } from './page/viewers.js';

export interface StatusSource {
  status: () => ClusterStatus;
  ring: () => RingRecord | null;
  /** The worker's process, where it is known. */
  pidOf: (worker: WorkerId) => number | null;
  /** What is missing to be of use; null if nothing is. */
  notReady: () => string | null;
}

export interface StatusServerOptions {
  /** Of this controller, for the status. */
  id: string;
  source: StatusSource;
  metrics: Metrics;
  logger: Logger;
  /** Of the live page. */
  viewers: Viewers;
}

const paths = ['/', '/v1/status', '/v1/ring', '/livez', '/readyz', '/startupz', '/metrics'];
/** Slow requests are none of its business: these have no bodies. */
const requestTimeoutMs = 5_000;

export function createStatusServer(options: StatusServerOptions): Server {
  const server = createServer({ requestTimeout: requestTimeoutMs }, createApp(options));
  server.headersTimeout = requestTimeoutMs;
  return server;
}

function createApp({ id, source, metrics, logger, viewers }: StatusServerOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/v1/status', (_request, response) => {
    const { workers, ...status } = source.status();
    response.json({
      ...status,
      workers: workers.map((worker) => ({ ...worker, pid: source.pidOf(worker.id) })),
      seenBy: id,
      controller: { id, pid: process.pid },
    });
  });
  app.get('/v1/ring', (_request, response) => {
    const ring = source.ring();
    if (ring === null)
      problem(response, 503, 'There is no ring yet', 'The first ring is made when workers are there.');
    else response.json(ring);
  });
  app.get('/livez', (_request, response) => void response.json({ status: 'ok' }));
  for (const path of ['/readyz', '/startupz']) {
    app.get(path, (_request, response) => {
      const missing = path === '/readyz' ? source.notReady() : null;
      if (missing === null) response.json({ status: 'ok' });
      else problem(response, 503, 'Not ready', missing);
    });
  }
  app.get('/metrics', async (_request, response) => {
    if (!metrics.enabled)
      problem(response, 404, 'There is nothing at this path', 'Metrics are switched off here.');
    else response.type(metrics.contentType).send(await metrics.text());
  });
  app.use(
    pageRoutes(viewers, (response) =>
      problem(response, 503, 'There are too many viewers', 'Another one has to close the page first.'),
    ),
  );
  app.all(paths, (request, response) => {
    response.set('Allow', 'GET, HEAD');
    problem(response, 405, 'The method is not allowed here', `${request.method} is not GET or HEAD.`);
  });
  app.use((_request, response) =>
    problem(response, 404, 'There is nothing at this path', `It has: ${paths.join(' ')}`),
  );
  app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
    // What express finds wrong with a request carries a status below 500.
    const status =
      'status' in error && typeof error.status === 'number' && error.status < 500 ? error.status : 500;
    if (status === 500) logger.error('status request failed', { reason: error.message, stack: error.stack });
    problem(response, status, status === 500 ? 'The program failed' : 'The request is malformed', '');
  });
  return app;
}

/** RFC 9457. */
function problem(response: Response, status: number, title: string, detail: string): void {
  if (status === 503) response.set('Retry-After', '1');
  const body = { type: 'about:blank', title, status, detail };
  response.status(status).type('application/problem+json').send(JSON.stringify(body));
}
