/**
 * The controller as a process: settings, adapters, and an orderly end. The one place that names adapters.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { readControllerConfiguration } from './config.js';
import { exposeStatus } from './controller-metrics.js';
import { Controller } from './controller.js';
import { TcpLinks } from './links/tcp-links.js';
import { LocalRingStore } from './local/local-ring-store.js';
import { LocalWorkers } from './local/local-workers.js';
import { createStatusServer } from './status-server.js';
import { SystemClock } from '../platform/clock.js';
import { EndOfTick } from '../platform/end-of-tick.js';
import { listenOn } from '../platform/listen.js';
import { createLogger } from '../platform/logger.js';
import { Metrics } from '../platform/metrics.js';
import { describeFailure, endOnFailure, failureExitCode, stopOnSignals } from '../platform/program.js';
import { randomId } from '../platform/random.js';
import { Shutdown } from '../platform/shutdown.js';
import { streamSettings } from '../platform/stream/framed-stream.js';
import { StreamMetrics } from '../platform/stream/stream-metrics.js';
import type { Server } from 'node:http';
import type { ControllerConfiguration } from './config.js';
import type { StatusSource } from './status-server.js';
import type { Logger } from '../platform/logger.js';

const ringFile = 'ring.json';
const stepTimeoutMs = 2_000;

const configuration = readControllerConfiguration();
const logger = createLogger({
  level: configuration.values.logLevel,
  format: configuration.values.logFormat,
  fields: { name: 'controller' },
});
endOnFailure(logger);
try {
  await run(configuration, logger);
} catch (error) {
  logger.error('the controller cannot start', describeFailure(error));
  process.exit(failureExitCode);
}

async function run(
  { clusterId, dataDir, values, limits, warnings }: ControllerConfiguration,
  logger: Logger,
) {
  for (const warning of warnings) logger.warn('setting ignored', { warning });
  mkdirSync(dataDir, { recursive: true });
  const clock = new SystemClock();
  const metrics = new Metrics();
  metrics.collectProcess();
  const runId = randomId();
  const id = `controller-${runId.slice(0, 8)}`;
  let halted: string | null = null;
  const links: TcpLinks = new TcpLinks(
    {
      self: { role: 'controller', clusterId, id, storeId: '', bootCount: 0, runId, pid: process.pid },
      settings: streamSettings(limits, clock, new EndOfTick()),
      connectTimeoutMs: limits.peerConnectMs,
      logger,
      metrics: new StreamMetrics(metrics),
    },
    () => controller,
  );
  const controller: Controller = new Controller({
    id,
    clusterId,
    limits,
    partitionCount: values.partitions,
    replicationFactor: values.replicationFactor,
    clock,
    ringStore: new LocalRingStore(path.join(dataDir, ringFile), limits.casMs),
    links,
    observe: ({ message, fields }) => logger.info(message, fields),
    stop: (reason) => {
      // It stays up to say so: its status tells what a person has to put right.
      halted = reason;
      logger.error('the controller does nothing more', { reason });
    },
  });
  const source: StatusSource = {
    status: () => controller.status(),
    ring: () => controller.ring(),
    pidOf: (worker) => links.pidOf(worker),
    notReady: () => halted ?? (controller.ring() === null ? controller.status().awaited : null),
  };
  exposeStatus(metrics, source.status, () => clock.now());
  const server = createStatusServer({ id, source, metrics, logger });
  const port = await listenOn(server, values.host, values.port);
  controller.start();
  new LocalWorkers(values.workers, controller).start();
  const ticks = setInterval(() => controller.tick(), limits.tickMs);
  logger.info('controller started', { id, clusterId, host: values.host, port, pid: process.pid });
  stopInOrder(logger, { ticks, controller, links, server });
}

interface Parts {
  ticks: NodeJS.Timeout;
  controller: Controller;
  links: TcpLinks;
  server: Server;
}

function stopInOrder(logger: Logger, { ticks, controller, links, server }: Parts): void {
  const shutdown = new Shutdown(logger, (code) => process.exit(code));
  shutdown.addStep('stop deciding', stepTimeoutMs, () => {
    clearInterval(ticks);
    controller.stop();
    links.close();
  });
  shutdown.addStep('stop answering', stepTimeoutMs, () => {
    server.close();
    server.closeAllConnections();
  });
  stopOnSignals((reason) => void shutdown.stop(reason, 0));
}
