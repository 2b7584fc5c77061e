/**
 * Looks how much room the disk under a folder has, several times a second while anything is written: what
 * fills it may be somebody else. The process may end without waiting for it.
 */
import { statfs } from 'node:fs';
import { msToBeat } from '../../platform/beat.js';

const everyMs = 250;
const restMs = 1_000;

export function watchDiskSpace(
  folder: string,
  isAtRest: () => boolean,
  measured: (freeBytes: number, totalBytes: number) => void,
): void {
  const measure = () =>
    statfs(folder, (error, found) => {
      // Asked before the measurement is told, which is an event as well.
      setTimeout(measure, isAtRest() ? msToBeat(restMs) : everyMs).unref();
      // A folder that cannot be asked is in worse trouble, which its own writes will tell of.
      if (error === null) measured(found.bavail * found.bsize, found.blocks * found.bsize);
    });
  measure();
}
