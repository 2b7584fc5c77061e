/**
 * The folder of one local cluster: locked for one launcher at a time, and with a note of what was decided
 * when it was made and cannot be changed afterwards.
 *
 *   cluster.json   launcher.lock   controller/   worker-1/   worker-2/ …   logs/
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ProcessLock } from '../platform/process-lock.js';
import { randomId } from '../platform/random.js';

/** A person can put it right: the message says how. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

export interface ClusterNote {
  formatVersion: 1;
  clusterId: string;
  partitions: number;
  replicationFactor: number;
}

/** What the person at the terminal asked for; null where nothing was said. */
export interface WantedCluster {
  partitions: number | null;
  replicationFactor: number | null;
  workers: number;
}

export interface ClusterDefaults {
  partitions: number;
  replicationFactor: number;
}

export class DataFolder {
  private constructor(
    readonly folder: string,
    private readonly lock: ProcessLock,
    readonly note: ClusterNote,
  ) {}

  /** Throws DataFolderError. */
  static open(folder: string, wanted: WantedCluster, defaults: ClusterDefaults): DataFolder {
    try {
      mkdirSync(path.join(folder, 'logs'), { recursive: true });
    } catch (error) {
      throw new DataFolderError(`${folder} cannot be made: ${messageOf(error)}`, { cause: error });
    }
    const lock = lockFolder(folder);
    try {
      const note = agree(readNote(folder), wanted, defaults, folder);
      writeNote(folder, note);
      writeFileSync(pidFile(folder), String(process.pid));
      return new DataFolder(folder, lock, note);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Of one process. */
  of(name: string): string {
    return path.join(this.folder, name);
  }

  logFile(name: string): string {
    return path.join(this.folder, 'logs', `${name}.log`);
  }

  close(): void {
    this.lock.release();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pidFile(folder: string): string {
  return path.join(folder, 'launcher.pid');
}

function noteFile(folder: string): string {
  return path.join(folder, 'cluster.json');
}

function lockFolder(folder: string): ProcessLock {
  let lock: ProcessLock | null;
  try {
    lock = ProcessLock.tryAcquire(path.join(folder, 'launcher.lock'));
  } catch (error) {
    throw new DataFolderError(`${folder} cannot be locked: ${messageOf(error)}`, { cause: error });
  }
  if (lock !== null) return lock;
  const holder = existsSync(pidFile(folder)) ? ` (process ${readFileSync(pidFile(folder), 'utf8')})` : '';
  throw new DataFolderError(
    `${folder} is in use by another launcher${holder}: stop that one, or choose another folder with --data-dir`,
  );
}

function readNote(folder: string): ClusterNote | null {
  const file = noteFile(folder);
  if (!existsSync(file)) return null;
  let note: Partial<ClusterNote> | null;
  try {
    note = JSON.parse(readFileSync(file, 'utf8')) as Partial<ClusterNote> | null;
  } catch (error) {
    throw new DataFolderError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const { formatVersion, clusterId, partitions, replicationFactor } = note ?? {};
  const isWhole = Number.isSafeInteger(partitions) && Number.isSafeInteger(replicationFactor);
  if (formatVersion !== 1 || typeof clusterId !== 'string' || !isWhole) {
    throw new DataFolderError(`${file} is damaged, or of a newer release`);
  }
  return note as ClusterNote;
}

function agree(
  found: ClusterNote | null,
  wanted: WantedCluster,
  defaults: ClusterDefaults,
  folder: string,
): ClusterNote {
  const { workers } = wanted;
  const partitions = wanted.partitions ?? found?.partitions ?? defaults.partitions;
  if (found !== null && partitions !== found.partitions) {
    throw new DataFolderError(
      `${folder} holds a cluster of ${found.partitions} partitions, which cannot become ${partitions}: ` +
        `leave --partitions out, or choose another folder with --data-dir`,
    );
  }
  // One worker alone is a fine thing to try: it just has no second copy.
  const usual = found?.replicationFactor ?? Math.min(defaults.replicationFactor, workers);
  const replicationFactor = wanted.replicationFactor ?? usual;
  if (replicationFactor > workers) {
    const origin = wanted.replicationFactor === null ? `${folder} holds` : '--replication-factor asks for';
    throw new DataFolderError(
      `${origin} ${replicationFactor} replicas, --workers gives only ${workers} workers`,
    );
  }
  return { formatVersion: 1, clusterId: found?.clusterId ?? randomId(), partitions, replicationFactor };
}

function writeNote(folder: string, note: ClusterNote): void {
  const beside = `${noteFile(folder)}.new`;
  writeFileSync(beside, `${JSON.stringify(note, null, 2)}\n`);
  renameSync(beside, noteFile(folder));
}
