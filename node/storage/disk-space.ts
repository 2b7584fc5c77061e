/**
 * Looks several times a second how much room the disk under a folder has: what fills it may be somebody else.
 * The process may end without waiting for it.
 */
import { statfs } from 'node:fs';

const everyMs = 250;

export function watchDiskSpace(
  folder: string,
  measured: (freeBytes: number, totalBytes: number) => void,
): void {
  const measure = () =>
    statfs(folder, (error, found) => {
      // A folder that cannot be asked is in worse trouble, which its own writes will tell of.
      if (error === null) measured(found.bavail * found.bsize, found.blocks * found.bsize);
    });
  measure();
  setInterval(measure, everyMs).unref();
}
