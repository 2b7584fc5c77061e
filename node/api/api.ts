/**
 * The REST interface of a worker, put together: keys by a path of their own, everything else through express.
 */
import type { Server } from 'node:net';
import type { Limits } from '../../core/limits.js';
import type { LatencyHistory } from '../../core/picture/latency-history.js';
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import { ApiMetrics } from './api-metrics.js';
import { requestMetrics } from '../metrics/worker-metrics.js';
import { defaultBounds } from './http/bounds.js';
import type { HttpBounds } from './http/bounds.js';
import { HttpServer } from './http/server.js';
import { KvEndpoint } from './kv-endpoint.js';
import type { Store } from './kv-endpoint.js';
import { FailureLog } from './request-identity.js';
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
  latency: LatencyHistory;
  /** Those of connections; defaults for what is left out. */
  bounds?: Partial<HttpBounds>;
}

export interface Api {
  /** Not listening yet. */
  server: Server;
  /** From now on every answer asks its client to connect elsewhere; requests are still served. */
  leave(): void;
  /**
   * Takes no new connections and waits for the requests under way; whatever is left after `timeoutMs` is cut
   * off.
   */
  close(timeoutMs: number): Promise<void>;
}

export function createApi(options: ApiOptions): Api {
  const { store, limits, clock, logger, metrics, latency } = options;
  const failures = new FailureLog(logger, clock);
  const http = new HttpServer({
    endpoint: new KvEndpoint(store, limits, clock, new ApiMetrics(metrics), latency),
    others: createViewsApp({ ...options, keyBytesMax: limits.keyBytesMax }),
    clock,
    bounds: { ...defaultBounds, ...options.bounds },
    failed: (request) => failures.tell(request),
  });
  metrics.gauge(requestMetrics.connections, () => http.connectionCount);
  return {
    server: http.server,
    leave: () => http.leave(),
    close: (timeoutMs) => http.close(timeoutMs),
  };
}
