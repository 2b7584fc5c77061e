/** The REST interface of a worker, put together: keys by a path of their own, everything else through express. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:net';
import type { Limits } from '../../core/limits.js';
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';
import type { Metrics } from '../../platform/metrics.js';
import { ApiMetrics } from './api-metrics.js';
import { kvPrefix, splitTarget } from './key-path.js';
import { KvEndpoint } from './kv-endpoint.js';
import type { Store } from './kv-endpoint.js';
import { KvOverHttp } from './kv-over-http.js';
import { createViewsApp } from './views-app.js';
import type { Probes, Views } from './views-app.js';

export interface ApiOptions {
  workerId: string;
  store: Store;
  views: Views;
  probes: Probes;
  limits: Limits;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
}

export interface Api {
  /** Not listening yet. */
  server: Server;
  /** From now on every answer asks its client to connect elsewhere; requests are still served. */
  leave(): void;
  /** Takes no new connections and waits for the requests under way; whatever is left after `timeoutMs` is cut off. */
  close(timeoutMs: number): Promise<void>;
}

export function createApi(options: ApiOptions): Api {
  const { store, limits, clock, metrics } = options;
  let leaving = false;
  const isLeaving = () => leaving;
  const apiMetrics = new ApiMetrics(metrics);
  const keys = new KvOverHttp(new KvEndpoint(store, limits, clock, apiMetrics), isLeaving);
  const views = createViewsApp({ ...options, apiMetrics, keyBytesMax: limits.keyBytesMax, isLeaving });
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (splitTarget(request.url ?? '').path.startsWith(kvPrefix)) keys.handle(request, response);
    else views(request, response);
  });
  return {
    server,
    leave() {
      leaving = true;
    },
    close(timeoutMs) {
      leaving = true;
      return new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}
