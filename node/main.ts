/**
 * The worker as a process: settings, store, streams, the interface for clients, and an orderly end. The one
 * place that names adapters.
 */
import { readWorkerConfiguration } from './config.js';
import { createApi } from './api/api.js';
import { exposeCoordinator } from './api/api-metrics.js';
import { Coordinator } from './coordinator/coordinator.js';
import { TcpControllers } from './peers/tcp-controllers.js';
import { TcpListener } from './peers/tcp-listener.js';
import { TcpPeers } from './peers/tcp-peers.js';
import { watchDiskSpace } from './storage/disk-space.js';
import { disownStore, openStore } from './storage/open-store.js';
import { AmnesiacStore } from './storage/storage-error.js';
import { SharedInbox } from './worker-inbox.js';
import { TracedReplicas } from './traces/traced-replicas.js';
import { TracedStore } from './traces/traced-store.js';
import { exposeStore } from './metrics/expose-store.js';
import { exposeWorker } from './metrics/expose-worker.js';
import { workerProbes, workerViews } from './worker-views.js';
import { Worker } from './worker/worker.js';
import { LatencyHistory } from '../core/picture/latency-history.js';
import { SystemClock } from '../platform/clock.js';
import { crc32 } from '../platform/crc32.js';
import { EndOfTick } from '../platform/end-of-tick.js';
import { listenOn } from '../platform/listen.js';
import { createLogger, newLogCounts } from '../platform/logger.js';
import { exposeProcess } from '../platform/metrics/expose-process.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { describeFailure, endOnFailure, failureExitCode, stopOnSignals } from '../platform/program.js';
import { randomId } from '../platform/random.js';
import { Shutdown } from '../platform/shutdown.js';
import { streamSettings } from '../platform/stream/framed-stream.js';
import { StreamMetrics } from '../platform/stream/stream-metrics.js';
import { Ticker } from '../platform/ticker.js';
import { startTracer } from '../platform/traces/tracer.js';
import type { Tracer } from '../platform/traces/tracer.js';
import type { WorkerConfiguration } from './config.js';
import type { RingRecord } from '../core/ring/ring-record.js';
import type { Api } from './api/api.js';
import type { Store } from './storage/open-store.js';

const answerTimeoutMs = 3_000;
const closeTimeoutMs = 10_000;
const stepTimeoutMs = 1_000;
const handoverPollMs = 20;
/** Of the event loop, in which peers that did not know yet are told where to ask. */
const lastTurns = 20;
/** Half a heartbeat. What comes from a controller ends the rest. */
const restTicks = 5;

const configuration = readWorkerConfiguration();
const { id, values, limits } = configuration;
const logged = newLogCounts();
const { logLevel: level, logFormat: format } = values;
const logger = createLogger({ level, format, fields: { name: id }, counts: logged });
endOnFailure(logger);
try {
  await run(configuration);
} catch (error) {
  logger.error('the worker cannot start', describeFailure(error));
  process.exit(failureExitCode);
}

async function run({ clusterId, warnings }: WorkerConfiguration): Promise<void> {
  for (const warning of warnings) logger.warn('setting ignored', { warning });
  const clock = new SystemClock();
  const endOfTick = new EndOfTick();
  const metrics = new Metrics({ enabled: values.metrics, perPartition: values.metricsPerPartition });
  exposeProcess(metrics, logged);
  const runId = randomId();
  const { tracesEndpoint: endpoint, tracesRatio: ratio } = values;
  const tracer = await startTracer({ endpoint, ratio, service: 'kvorum-worker', instance: id });
  const store = await openOwnStore(configuration, endOfTick, (partition) => {
    // SQLite's own structure: no copy of a partition mends that. The files are kept aside, the peers fill a
    // new store.
    if (partition === null) void endStore(store, 'the structure of the table file is damaged', true);
    else worker.damaged(partition);
  });
  const { storeId, bootCount } = store.recovered;
  const streamMetrics = new StreamMetrics(metrics);
  const streams = {
    self: { role: 'worker' as const, clusterId, id, storeId, bootCount, runId, pid: process.pid },
    settings: streamSettings(limits, clock, endOfTick, streamMetrics.traffic),
    connectTimeoutMs: limits.peerConnectMs,
    helloTimeoutMs: limits.peerSilentMs,
    logger,
    metrics: streamMetrics,
    seen: (peer: string, storeId?: string) => worker.rememberedRun(peer, storeId),
  };
  const peers: TcpPeers = new TcpPeers(streams, () => inbox);
  const controllers: TcpControllers = new TcpControllers(logger, () => inbox);
  const worker: Worker = new Worker({
    id,
    clusterId,
    runId,
    limits,
    recovered: store.recovered,
    clock,
    log: store.log,
    table: store.table,
    peers,
    controllers,
    checksum: crc32,
    defer: endOfTick.defer,
    timesWrites: metrics.enabled,
    observe: ({ message, fields }) => logger.info(message, fields),
    stop: (reason, disown) => void endStore(store, reason, disown),
  });
  worker.measured.keepsTimes = tracer !== null;
  const coordinator: Coordinator = new Coordinator({
    id,
    limits,
    clock,
    local: tracer === null ? worker : new TracedReplicas(worker, tracer, clock),
    traces: tracer !== null,
    send: (peer, message) => peers.send(peer, message),
    isConnected: (peer) => peers.pidOf(peer) !== null,
  });
  const ticks = new Ticker(
    () => {
      worker.tick();
      coordinator.tick();
      return worker.atRest && coordinator.counts.inFlight === 0 ? 'at rest' : 'busy';
    },
    { everyMs: limits.tickMs, restMs: restTicks * limits.tickMs },
  );
  const inbox: SharedInbox = new SharedInbox(worker, coordinator, () => ticks.hurry());
  worker.onRingChange(() => coordinator.ringChanged());
  const parts = { runId, store, worker, coordinator, ticks, peers, controllers, tracer };
  await serve(parts, new TcpListener(streams, peers, controllers), clock, metrics);
}

interface Parts {
  runId: string;
  store: Store;
  worker: Worker;
  coordinator: Coordinator;
  ticks: Ticker;
  peers: TcpPeers;
  controllers: TcpControllers;
  tracer: Tracer | null;
}

async function serve(
  parts: Parts,
  listener: TcpListener,
  clock: SystemClock,
  metrics: Metrics,
): Promise<void> {
  const { runId, store, worker, coordinator, ticks, peers, tracer } = parts;
  let leaving = false;
  const latency = new LatencyHistory();
  const shown = {
    id,
    worker,
    pidOf: (peer: string) => peers.pidOf(peer),
    isLeaving: () => leaving,
    activity: { worker: id, run: runId, folder: configuration.dataDir, latency, wall: () => clock.wall() },
  };
  exposeWorker(metrics, { ...shown, peers, now: () => clock.now() });
  exposeStore(metrics, store);
  exposeCoordinator(metrics, coordinator.counts);
  const api = createApi({
    workerId: id,
    store: tracer === null ? coordinator : new TracedStore(coordinator, tracer, clock),
    views: workerViews(shown),
    probes: workerProbes(shown),
    limits,
    clock,
    logger,
    metrics,
    latency,
  });
  const { host } = values;
  const peerPort = await listener.listen({ host, port: values.peerPort });
  const port = await listenOn(api.server, host, values.port);
  worker.start();
  ticks.start();
  watchDiskSpace(
    configuration.dataDir,
    () => worker.atRest,
    (free, total) => worker.diskMeasured(free, total),
  );
  const { storeId, bootCount, replicas } = store.recovered;
  const found = { storeId, bootCount, replicas: replicas.length };
  logger.info('worker started', { host, port, peerPort, pid: process.pid, ...found });
  stopInOrder(parts, listener, api, () => (leaving = true));
}

/**
 * Opens the store; one that has lost something is put aside, and a new one is begun that will be filled anew.
 */
async function openOwnStore(
  { clusterId, dataDir }: WorkerConfiguration,
  endOfTick: EndOfTick,
  onDamage: (partition: number | null) => void,
): Promise<Store> {
  const open = () =>
    openStore(dataDir, {
      clusterId,
      newStoreId: randomId(),
      limits,
      endOfTurn: endOfTick.flush,
      afterTurn: endOfTick.last,
      onDamage: (partition) => {
        logger.error('damage found in the table', { partition });
        onDamage(partition);
      },
      onFailure: (error) => {
        logger.error('the disk failed', describeFailure(error));
        process.exit(failureExitCode);
      },
    });
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof AmnesiacStore)) throw error;
    logger.error('the store has lost something and is put aside', { reason: error.message });
    logger.error('store put aside', { files: disownStore(dataDir) });
    return open();
  }
}

/** The worker found that it must not go on with this store. Whoever started the process starts it again. */
async function endStore(store: Store, reason: string, disown: boolean): Promise<never> {
  logger.error('the worker must end', { reason, disown });
  if (disown) {
    // A disk that is full fails the last checkpoint; the files are not needed any more, except by a person.
    await store.close().catch((error: unknown) => logger.warn('store not closed', describeFailure(error)));
    logger.error('store put aside', { files: disownStore(configuration.dataDir) });
  }
  process.exit(failureExitCode);
}

function stopInOrder(
  { store, worker, ticks, peers, controllers, tracer }: Parts,
  listener: TcpListener,
  api: Api,
  onLeave: () => void,
): void {
  const shutdown = new Shutdown(logger, (code) => process.exit(code));
  let handOver = true;
  shutdown.addStep('hand primaries over', values.handoverMs, async () => {
    onLeave();
    api.leave();
    worker.leave();
    // Until the ring says so: one that merely stopped serving is still needed as a voter while its successor
    // is chosen.
    while (handOver && isPrimaryOfAny(worker.ring())) await pause(handoverPollMs);
  });
  shutdown.addStep('go on answering', values.lingerMs + stepTimeoutMs, async () => {
    await pause(handOver ? values.lingerMs : 0);
    // This process may have been kept from running: what has arrived meanwhile is read after a timer.
    for (let turn = 0; turn < lastTurns; turn += 1) await pause(1);
  });
  shutdown.addStep('finish requests', answerTimeoutMs + stepTimeoutMs, () => api.close(answerTimeoutMs));
  shutdown.addStep('close streams', stepTimeoutMs, () => {
    ticks.stop();
    worker.end();
    listener.close();
    peers.close();
    controllers.close();
  });
  shutdown.addStep('close the store', closeTimeoutMs, () => store.close());
  if (tracer !== null) shutdown.addStep('send the last spans', stepTimeoutMs, () => tracer.close());
  const stop = (reason: string) => void shutdown.stop(reason, 0);
  // All are going: there is nobody to hand anything over to.
  const stopAll = (reason: string) => {
    handOver = false;
    if (!shutdown.isStopping) stop(reason);
  };
  stopOnSignals((reason, launcherGone) => (launcherGone ? stopAll(reason) : stop(reason)));
  process.on('message', (message) => {
    if (message === 'stop-all') stopAll('the whole cluster stops');
  });
}

function isPrimaryOfAny(ring: RingRecord | null): boolean {
  return ring?.partitions.some(({ primary }) => primary.id === id) ?? false;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
