/**
 * Everything but the keys, through express: views of the cluster, probes, metrics, the contract. None of it
 * is on a hot path, so it can afford a framework.
 */
import express from 'express';
import type { ErrorRequestHandler, Express, Request, Response } from 'express';
import { KvorumError } from '../../core/errors.js';
import type { RingRecord } from '../../core/ring/ring-record.js';
import type { Activity } from '../activity.js';
import type { Logger } from '../../platform/logger.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import { randomId } from '../../platform/random.js';
import { parseKey, parseQuery, splitTarget } from './key-path.js';
import { openApiDocument } from './openapi.js';
import { errorReply, problemReply } from './reply.js';
import type { Reply } from './reply.js';
import { requestIdField, usableRequestId } from './request-identity.js';
import { ownViewField } from './views.js';
import type { Explanation, StatusView } from './views.js';

export interface Views {
  ring(): RingRecord | null;
  status(): StatusView;
  /** Null while there is no ring. */
  explain(key: Uint8Array, whose: 'own' | 'best'): Promise<Explanation | null>;
  /** The slots of time from this number on. */
  activity(since: number): Promise<Activity>;
}

/** Each answers null if all is well, or else what is missing. */
export interface Probes {
  live(): string | null;
  ready(): string | null;
  started(): string | null;
}

export interface ViewsOptions {
  workerId: string;
  views: Views;
  probes: Probes;
  metrics: Metrics;
  keyBytesMax: number;
  logger: Logger;
}

const explainPrefix = '/v1/explain/';
/** No parameter in it: express would decode that, and a key is decoded in one place only. */
const explainPath = /^\/v1\/explain\//;
const activityPath = '/v1/activity';
const paths = [
  '/v1/ring',
  '/v1/status',
  activityPath,
  '/livez',
  '/readyz',
  '/startupz',
  '/metrics',
  '/openapi.json',
];

export function createViewsApp(options: ViewsOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use((request, response, next) => {
    const requestId = usableRequestId(request.get(requestIdField) ?? null);
    if (requestId !== '') response.setHeader(requestIdField, requestId);
    const { path, query } = splitTarget(request.url);
    if (query !== '') parseQuery(query, path === activityPath ? ['since'] : []);
    next();
  });
  addRoutes(app, options);
  app.use((request, response) => {
    const { path } = splitTarget(request.originalUrl);
    send(response, problemReply('unknown-path', `There is nothing at ${path.slice(0, 200)}.`));
  });
  app.use(failureHandler(options.logger));
  return app;
}

function addRoutes(app: Express, options: ViewsOptions): void {
  const { views, probes, metrics } = options;
  get(app, '/', (_request, response) => json(response, index(options.workerId)));
  get(app, '/v1/ring', (_request, response) => json(response, known(views.ring())));
  get(app, '/v1/status', (_request, response) => json(response, views.status()));
  get(app, explainPath, async (request, response) => {
    const { path } = splitTarget(request.originalUrl);
    const key = parseKey(path, options.keyBytesMax, explainPrefix);
    const whose = request.get(ownViewField) === undefined ? 'best' : 'own';
    json(response, known(await views.explain(key, whose)));
  });
  get(app, activityPath, async (request, response) => {
    const { query } = splitTarget(request.originalUrl);
    json(response, await views.activity(parseSlot(parseQuery(query, ['since']).get('since'))));
  });
  get(app, '/livez', (_request, response) => probe(response, probes.live()));
  get(app, '/readyz', (_request, response) => probe(response, probes.ready()));
  get(app, '/startupz', (_request, response) => probe(response, probes.started()));
  get(app, '/openapi.json', (_request, response) => json(response, openApiDocument));
  get(app, '/metrics', async (_request, response) => {
    if (!metrics.enabled) send(response, problemReply('unknown-path', 'Metrics are switched off here.'));
    else response.set('Content-Type', metrics.contentType).send(await metrics.text());
  });
}

/** GET and HEAD; any other method is told what is allowed. */
function get(
  app: Express,
  path: string | RegExp,
  handle: (request: Request, response: Response) => unknown,
): void {
  app.get(path, async (request, response) => {
    response.set('Cache-Control', 'no-store');
    await handle(request, response);
  });
  app.all(path, (request, response) => {
    const detail = `This path takes GET and HEAD, not ${request.method}.`;
    send(response, problemReply('method-not-allowed', detail, ['Allow', 'GET, HEAD']));
  });
}

function index(workerId: string): object {
  return {
    name: 'kvorum',
    worker: workerId,
    keys: '/v1/kv/{key}',
    explain: '/v1/explain/{key}',
    links: paths,
  };
}

function parseSlot(text = '0'): number {
  if (!/^\d{1,15}$/.test(text))
    throw new KvorumError('malformed-query', 'since is the number of a slot of time');
  return Number(text);
}

function known<T>(value: T | null): T {
  if (value === null) throw new KvorumError('unavailable', 'This worker has not received a ring yet.');
  return value;
}

/** In one line, ended by a newline for whoever reads it at a terminal. */
function json(response: Response, value: unknown): void {
  response.type('json').send(`${JSON.stringify(value)}\n`);
}

function probe(response: Response, missing: string | null): void {
  if (missing === null) json(response, { status: 'ok' });
  else send(response, problemReply('unavailable', missing));
}

function send(response: Response, reply: Reply): void {
  response.status(reply.status);
  for (let at = 0; at + 1 < reply.headers.length; at += 2)
    response.setHeader(reply.headers[at] ?? '', reply.headers[at + 1] ?? '');
  response.end(reply.body);
}

function failureHandler(logger: Logger): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.
  return (error: unknown, request, response, _next) => {
    if (!(error instanceof KvorumError)) {
      const requestId = response.get(requestIdField) ?? randomId();
      response.setHeader(requestIdField, requestId);
      logger.error('request failed', { requestId, path: request.path, reason: String(error) });
    }
    send(response, errorReply(error));
  };
}
