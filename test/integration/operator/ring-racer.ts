/** A process that adds 1 to the ring's version as often as it is told, against others that do the same. */
import { LocalRingStore } from '../../../operator/local/local-ring-store.js';
import type { LoadResult, SwapResult } from '../../../operator/ports.js';

const [, , file = '', times = '0'] = process.argv;
const store = new LocalRingStore(file, 10_000);
const counts = { swapped: 0, conflicts: 0 };
while (counts.swapped < Number(times)) {
  const loaded = await new Promise<LoadResult>((resolve) => store.load(resolve));
  if (loaded.status !== 'loaded') throw new Error(JSON.stringify(loaded));
  const next = { ...loaded.record, version: loaded.record.version + 1 };
  const result = await new Promise<SwapResult>((resolve) => store.swap(loaded.revision, next, resolve));
  if (result.status === 'swapped') counts.swapped += 1;
  else if (result.status === 'conflict') counts.conflicts += 1;
  else throw new Error(result.reason);
}
process.stdout.write(JSON.stringify(counts));
