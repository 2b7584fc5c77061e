/** The store as series: what its threads measured, and what the file system says when somebody asks. */
import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { StatsFs } from 'node:fs';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { StorageMeasurements } from '../storage/storage-measurements.js';
import { storageMetrics } from './worker-metrics.js';

export interface ShownStore {
  measured: StorageMeasurements;
  paths: { log: string; table: string };
  log: { readonly queuedBytes: number; readonly commitsHere: number };
}

export function exposeStore(metrics: Metrics, { measured, paths, log }: ShownStore): void {
  metrics.histogram(storageMetrics.batch, () => measured.commitEntries);
  metrics.histogram(storageMetrics.fsync, () => measured.commitSeconds);
  metrics.histogram(storageMetrics.apply, () => measured.applySeconds);
  metrics.total(storageMetrics.commitsHere, () => log.commitsHere);
  metrics.gauge(storageMetrics.queue, () => log.queuedBytes);
  metrics.total(storageMetrics.scrubRows, () => measured.get('scrubRows'));
  metrics.total(storageMetrics.scrubRounds, () => measured.get('scrubRounds'));
  metrics.gauge(storageMetrics.scrubLast, () => measured.get('scrubLastWallMs') / 1_000);
  metrics.total(storageMetrics.scrubDamage, () => measured.get('scrubDamage'));
  const files = {
    log: paths.log,
    log_wal: `${paths.log}-wal`,
    table: paths.table,
    table_wal: `${paths.table}-wal`,
  };
  metrics.gauge(storageMetrics.files, async () =>
    Promise.all(Object.entries(files).map(async ([file, name]) => [{ file }, await sizeOf(name)] as const)),
  );
  const folder = path.dirname(paths.log);
  metrics.gauge(storageMetrics.diskFree, () => diskBytes(folder, ({ bavail }) => bavail));
  metrics.gauge(storageMetrics.diskSize, () => diskBytes(folder, ({ blocks }) => blocks));
}

async function diskBytes(folder: string, blocksOf: (found: StatsFs) => number): Promise<number> {
  try {
    const found = await statfs(folder);
    return blocksOf(found) * found.bsize;
  } catch {
    // Nothing is known of it; all the rest is worth telling.
    return NaN;
  }
}

/** A write-ahead log comes and goes. */
async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}
