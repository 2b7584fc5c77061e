/**
 * The controller as a process: settings, adapters, and an orderly end. The one place that names adapters.
 */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { modeOf, processSettings, readControllerConfiguration } from './config.js';
import { exposeController } from './metrics/expose-controller.js';
import { OperatorMeasurements } from './metrics/operator-measurements.js';
import { Controller, restTicks } from './controller.js';
import { ClusterEvents } from './events/cluster-events.js';
import { readDefinition } from './kubernetes/custom-resource-definition.js';
import { HttpsTransport } from './kubernetes/https-transport.js';
import { readKubeConfiguration } from './kubernetes/kube-configuration.js';
import { MeasuredTransport } from './kubernetes/measured-transport.js';
import { KubernetesOperator } from './kubernetes/kubernetes-operator.js';
import { kubernetesSettings } from './kubernetes/settings.js';
import { watchProcess } from './links/process-watch.js';
import { TcpLinks } from './links/tcp-links.js';
import { LocalRingStore } from './local/local-ring-store.js';
import { LocalWorkers } from './local/local-workers.js';
import { askWorker } from './page/ask-worker.js';
import { LivePage } from './page/live-page.js';
import { createStatusServer } from './status-server.js';
import { SystemTimers } from './system-timers.js';
import { SystemClock } from '../platform/clock.js';
import { EndOfTick } from '../platform/end-of-tick.js';
import { listenOn } from '../platform/listen.js';
import { createLogger, newLogCounts } from '../platform/logger.js';
import { exposeProcess } from '../platform/metrics/expose-process.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { limitsOf } from '../platform/configuration/limit-settings.js';
import {
  describeFailure,
  endOnFailure,
  failureExitCode,
  readSettings,
  stopOnSignals,
} from '../platform/program.js';
import { randomId } from '../platform/random.js';
import { Shutdown } from '../platform/shutdown.js';
import { streamSettings } from '../platform/stream/framed-stream.js';
import { StreamMetrics } from '../platform/stream/stream-metrics.js';
import { Ticker } from '../platform/ticker.js';
import type { Server } from 'node:http';
import type { ControllerConfiguration } from './config.js';
import type { ControllerHostOptions } from './kubernetes/controller-host.js';
import type { StatusSource } from './status-server.js';
import { noPartitions } from '../core/control/cluster-status.js';
import type { ClusterStatus } from '../core/control/cluster-status.js';
import type { Limits } from '../core/limits.js';
import type { Values } from '../platform/configuration/setting.js';
import type { Logger } from '../platform/logger.js';

const ringFile = 'ring.json';
const stepTimeoutMs = 2_000;

const logged = newLogCounts();

function metricsOf(values: { metrics: boolean; metricsPerPartition: boolean }): Metrics {
  const metrics = new Metrics({ enabled: values.metrics, perPartition: values.metricsPerPartition });
  exposeProcess(metrics, logged);
  return metrics;
}

interface Start {
  logger: Logger;
  run: () => Promise<void>;
}

function prepareLocally(): Start {
  const configuration = readControllerConfiguration();
  const { logLevel: level, logFormat: format } = configuration.values;
  const logger = createLogger({ level, format, fields: { name: 'controller' }, counts: logged });
  return { logger, run: () => runLocally(configuration, logger) };
}

async function runLocally(
  { clusterId, dataDir, values, limits, warnings }: ControllerConfiguration,
  logger: Logger,
) {
  for (const warning of warnings) logger.warn('setting ignored', { warning });
  mkdirSync(dataDir, { recursive: true });
  const clock = new SystemClock();
  const metrics = metricsOf(values);
  const runId = randomId();
  const id = `controller-${runId.slice(0, 8)}`;
  const measurements = new OperatorMeasurements();
  const streamMetrics = new StreamMetrics(metrics);
  const self = { role: 'controller' as const, clusterId, id, storeId: '', bootCount: 0, runId };
  const settings = streamSettings(limits, clock, new EndOfTick(), streamMetrics.traffic);
  const connecting = { settings, ...handshakeTimes(limits), logger, metrics: streamMetrics };
  const links = new TcpLinks({ self: { ...self, pid: process.pid }, ...connecting }, () => controller);
  const controller: Controller = new Controller({
    id,
    clusterId,
    limits,
    partitionCount: values.partitions,
    replicationFactor: values.replicationFactor,
    clock,
    ringStore: new LocalRingStore(path.join(dataDir, ringFile), limits.casMs),
    links,
    measurements,
    observe: (note) => {
      logger.info(note.message, note.fields);
      events.note(note);
    },
    hurry: () => ticks.hurry(),
    stop: (reason) => {
      page.tell('Warning', 'Stopped', reason);
      // It stays up to say so: its status tells what a person has to put right.
      logger.error('the controller does nothing more', { reason });
    },
  });
  const timers = new SystemTimers();
  const { suspicionMs } = limits;
  const seen = { controller: id, suspicionMs, sight: () => controller.sight(), active: () => id };
  const page = new LivePage({ streamId: runId, source: seen, askWorker, timers });
  const facts = { counts: () => controller.status().partitions, isMissed: () => controller.ring() !== null };
  const events = new ClusterEvents(timers, facts, page.tell);
  const source: StatusSource = {
    status: () => controller.status(),
    ring: () => controller.ring(),
    pidOf: (worker) => links.pidOf(worker),
    notReady: () => notReadyLocally(controller),
  };
  exposeController(metrics, {
    sight: () => controller.sight(),
    isLeader: () => controller.sight().halted === '',
    measurements,
    now: () => clock.now(),
  });
  const server = createStatusServer({ id, source, metrics, logger, viewers: page.viewers });
  const port = await listenOn(server, values.host, values.port);
  page.tell('Normal', 'ControllerStarted', `${id} started`);
  controller.start();
  new LocalWorkers(values.workers, controller).start();
  const { tickMs } = limits;
  const ticks = new Ticker(() => controller.tick(), { everyMs: tickMs, restMs: restTicks * tickMs });
  ticks.start();
  logger.info('controller started', { id, clusterId, host: values.host, port, pid: process.pid });
  stopInOrder(logger, { ticks, controller, links, server });
}

function handshakeTimes({ peerConnectMs, peerSilentMs }: Limits) {
  return { connectTimeoutMs: peerConnectMs, helloTimeoutMs: peerSilentMs };
}

function notReadyLocally(controller: Controller): string | null {
  const { halted, record, awaited } = controller.sight();
  if (halted !== '') return halted;
  return record === null ? awaited : null;
}

interface Parts {
  ticks: Ticker;
  controller: Controller;
  links: TcpLinks;
  server: Server;
}

function stopInOrder(logger: Logger, { ticks, controller, links, server }: Parts): void {
  const shutdown = new Shutdown(logger, (code) => process.exit(code));
  shutdown.addStep('stop deciding', stepTimeoutMs, () => {
    ticks.stop();
    controller.stop();
    links.close();
  });
  shutdown.addStep('stop answering', stepTimeoutMs, () => {
    server.close();
    server.closeAllConnections();
  });
  stopOnSignals((reason) => void shutdown.stop(reason, 0));
}

const operatorSettings = { ...processSettings, ...kubernetesSettings };
type OperatorValues = Values<typeof operatorSettings>;

/** While another operator is the active one, this one knows nothing of the workers. */
const nothingKnown: ClusterStatus = {
  ringVersion: 0,
  epochCounter: 0,
  partitionCount: 0,
  replicationFactor: 0,
  phase: 'waiting',
  awaited: 'the Lease, which another operator holds',
  workers: [],
  partitions: noPartitions,
};

function prepareOnKubernetes(): Start {
  const program = { name: 'kvorum-operator', description: 'The operator of a Kvorum cluster on Kubernetes.' };
  const { values, warnings } = readSettings(program, operatorSettings, (given) => {
    const problems = limitsOf(given).problems;
    return given.cluster === null ? [...problems, '--cluster must be given'] : problems;
  });
  const { logLevel: level, logFormat: format } = values;
  const logger = createLogger({ level, format, fields: { name: 'operator' }, counts: logged });
  for (const warning of warnings) logger.warn('setting ignored', { warning });
  return { logger, run: () => runOnKubernetes(values, logger) };
}

async function runOnKubernetes(values: OperatorValues, logger: Logger): Promise<void> {
  const { config, namespace } = await readKubeConfiguration(process.env);
  const metrics = metricsOf(values);
  const { limits } = limitsOf(values);
  const timers = new SystemTimers();
  const identity = values.podName ?? `${hostname()}-${process.pid}`;
  const measurements = new OperatorMeasurements();
  const transport = new HttpsTransport(config);
  const operator = new KubernetesOperator({
    transport: new MeasuredTransport(transport, timers, measurements),
    measurements,
    timers,
    namespace: values.namespace ?? namespace,
    cluster: values.cluster ?? '',
    identity,
    defaultImage: values.workerImage,
    leaseDurationMs: values.leaseDurationMs,
    leaseRetryMs: values.leaseRetryMs,
    limits,
    createLinks: linksFactory(logger, new StreamMetrics(metrics)),
    watchProcess,
    port: values.port,
    log: logger,
    tell: (type, reason, text) => page.tell(type, reason, text),
    definition: values.crdFile === 'none' ? null : readDefinition(values.crdFile),
  });
  const source: StatusSource = {
    status: () => operator.status() ?? nothingKnown,
    ring: () => operator.ring(),
    pidOf: () => null,
    notReady: () => operator.notReady(),
  };
  exposeController(metrics, {
    sight: () => operator.sight(),
    isLeader: () => operator.isActive,
    measurements,
    now: () => timers.now(),
  });
  const page = new LivePage({
    streamId: randomId(),
    source: {
      controller: identity,
      suspicionMs: limits.suspicionMs,
      sight: () => operator.sight(),
      active: () => operator.active(),
    },
    askWorker,
    timers,
  });
  const server = createStatusServer({ id: identity, source, metrics, logger, viewers: page.viewers });
  const port = await listenOn(server, values.host, values.port);
  operator.start();
  logger.info('operator started', { identity, host: values.host, port, cluster: values.cluster });
  const shutdown = new Shutdown(logger, (code) => process.exit(code));
  shutdown.addStep('give the Lease back', 4 * stepTimeoutMs, () => operator.stop());
  shutdown.addStep('stop answering', stepTimeoutMs, () => {
    server.close();
    server.closeAllConnections();
    transport.close();
  });
  stopOnSignals((reason) => void shutdown.stop(reason, 0));
}

/** The operator makes a controller, with streams of its own, each time that it becomes the active one. */
function linksFactory(logger: Logger, metrics: StreamMetrics): ControllerHostOptions['createLinks'] {
  const clock = new SystemClock();
  return (id, clusterId, limits, inbox) =>
    new TcpLinks(
      {
        self: {
          role: 'controller',
          clusterId,
          id,
          storeId: '',
          bootCount: 0,
          runId: randomId(),
          pid: process.pid,
        },
        settings: streamSettings(limits, clock, new EndOfTick(), metrics.traffic),
        ...handshakeTimes(limits),
        logger,
        metrics,
      },
      inbox,
    );
}

const start = modeOf(process.env) === 'kubernetes' ? prepareOnKubernetes() : prepareLocally();
endOnFailure(start.logger);
try {
  await start.run();
} catch (error) {
  start.logger.error('the controller cannot start', describeFailure(error));
  process.exit(failureExitCode);
}
