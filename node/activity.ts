/**
 * What a worker tells of its last minutes and of its disk to whoever looks: the controller's live page, or a
 * person. Read when somebody asks, not before.
 */
import { readdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { slotMs } from '../core/picture/latency-history.js';
import type { LatencyHistory, SlotCounts } from '../core/picture/latency-history.js';

export interface DiskUsage {
  /** Of the worker's files. */
  usedBytes: number;
  /** What an ordinary user may still write to their disk. */
  freeBytes: number;
}

export interface Activity {
  worker: string;
  /** Differs between two runs of a worker: counts begin anew with each. */
  run: string;
  slotMs: number;
  /** Writes that this worker took from clients, wherever they were led. */
  slots: SlotCounts[];
  /** Null if the disk does not say. */
  disk: DiskUsage | null;
}

export interface ActivitySource {
  worker: string;
  run: string;
  folder: string;
  latency: LatencyHistory;
  wall: () => number;
}

/** The slots from number `since` on. */
export async function readActivity(source: ActivitySource, since: number): Promise<Activity> {
  const { worker, run, folder, latency, wall } = source;
  const slots = latency.from(since, wall());
  return { worker, run, slotMs, slots, disk: await readDiskUsage(folder) };
}

async function readDiskUsage(folder: string): Promise<DiskUsage | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    let usedBytes = 0;
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isFile()) usedBytes += (await stat(path.join(folder, entry.name))).size;
    }
    return { usedBytes, freeBytes: bavail * bsize };
  } catch {
    // A file that went away meanwhile; the next look finds the rest.
    return null;
  }
}
