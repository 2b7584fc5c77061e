/**
 * What storage costs, in time and in CPU, per row: `node dist/test/storage/benchmark.js [--keys N] [--folder
 * DIR]`. With --keys it also fills a store with that many keys of 256 bytes and prints memory and the time of
 * a start. On a busy machine trust the CPU, not the time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { defaultLimits } from '../../core/limits.js';
import type { Entry } from '../../core/protocol/entry.js';
import { LogFile } from '../../node/storage/log-file.js';
import { openStore } from '../../node/storage/open-store.js';
import type { Store } from '../../node/storage/open-store.js';
import { TableFile } from '../../node/storage/table-file.js';
import { append, bytesOf, entry, promise, sync } from './entries.js';
import { apply, checkpoint, storeOptions, submitDone } from './folder.js';

const value = 'v'.repeat(256);
const { values: options } = parseArgs({
  options: { keys: { type: 'string', default: '0' }, folder: { type: 'string', default: tmpdir() } },
});
const folder = mkdtempSync(path.join(options.folder, 'kvorum-bench-'));

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A 24-byte key that is nowhere near the one before it. */
function keyOf(index: number): string {
  const scattered = Math.imul(index, 0x9e3779b1) >>> 0;
  return `${scattered.toString(16).padStart(8, '0')}-${index.toString().padStart(15, '0')}`;
}

async function measure(name: string, rows: number, run: () => unknown): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await run();
  const elapsedUs = (performance.now() - before) * 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const perRow = (us: number) => (us / rows).toFixed(1).padStart(8);
  say(`${name.padEnd(44)}${perRow(elapsedUs)} µs/row ${perRow(user + system)} µs CPU/row`);
}

/** Entries made before the clock starts. */
function batches(count: number, size: number, fromSeq: number): Entry[][] {
  return Array.from({ length: count }, (_, batch) =>
    Array.from({ length: size }, (_row, index) => {
      const seq = fromSeq + batch * size + index;
      return entry(1, seq, { key: keyOf(seq), value });
    }),
  );
}

async function benchLogFile(): Promise<void> {
  const log = new LogFile(path.join(folder, 'log-file.db'), { clusterId: 'c', newStoreId: 'a1' });
  log.commit([promise(1, 1), sync(1, 1)]);
  let seq = 1;
  for (const [size, count] of [
    [1, 500],
    [10, 300],
    [100, 200],
  ] as const) {
    const made = batches(count, size, seq);
    seq += size * count;
    await measure(`log file, transactions of ${size}`, size * count, () => {
      for (const batch of made) log.commit([append(1, 1, batch)]);
    });
  }
  log.close();
}

async function benchLogAdapter(store: Store): Promise<void> {
  await submitDone(store, [promise(1, 1), sync(1, 1)]);
  let seq = 1;
  for (const clients of [1, 16, 64, 256]) {
    const count = Math.min(20_000, 400 * clients);
    const made = batches(1, count, seq)[0] ?? [];
    seq += count;
    let next = 0;
    const client = async () => {
      for (let one = made[next++]; one !== undefined; one = made[next++]) {
        await submitDone(store, [append(1, 1, [one])]);
      }
    };
    const before = store.log.commitCount;
    await measure(`log adapter, ${clients} clients`, count, () =>
      Promise.all(Array.from({ length: clients }, client)),
    );
    say(`  ${(count / (store.log.commitCount - before)).toFixed(1)} rows a commit`);
  }
}

async function benchTable(): Promise<void> {
  const table = new TableFile(path.join(folder, 'table-file.db'), {
    newStoreId: 'a1',
    limits: defaultLimits,
  });
  const made = batches(20, 5_000, 1);
  await measure('table file, new keys, batches of 5,000', 100_000, () => {
    for (const entries of made) table.apply([{ partition: 1, entries }]);
  });
  const again = batches(20, 5_000, 1).map((batch, at) =>
    batch.map((_, index) =>
      entry(1, 100_001 + at * 5_000 + index, { key: keyOf(1 + ((index * 20 + at) % 100_000)), value }),
    ),
  );
  await measure('table file, random keys again, of 5,000', 100_000, () => {
    for (const entries of again) table.apply([{ partition: 1, entries }]);
  });
  const keys = Array.from({ length: 50_000 }, (_, index) => bytesOf(keyOf(1 + ((index * 7_919) % 100_000))));
  await measure('table, point reads', keys.length, () => {
    for (const key of keys) if (table.get(1, key) === null) throw new Error('a key is missing');
  });
  table.close();
}

const partitionCount = 256;

/**
 * Fills a store evenly; what is applied and durable is trimmed off the log, as a worker whose peers are level
 * would.
 */
async function fill(keys: number, trimmed: boolean): Promise<void> {
  const home = path.join(folder, trimmed ? 'filled-trimmed' : 'filled');
  let store = await openStore(home, storeOptions());
  const all = Array.from({ length: partitionCount }, (_, partition) => partition);
  await submitDone(
    store,
    all.flatMap((partition) => [promise(partition, 1), sync(partition, 1)]),
  );
  const perPartition = Math.ceil(keys / partitionCount);
  const step = 64;
  await measure(`filled ${keys} keys${trimmed ? ', log trimmed' : ''}`, keys, async () => {
    for (let from = 1; from <= perPartition; from += step) {
      const size = Math.min(step, perPartition - from + 1);
      for (const partition of all) {
        const added = Array.from({ length: size }, (_, index) => {
          const seq = from + index;
          return entry(1, seq, { key: keyOf(partition * perPartition + seq), value });
        });
        await submitDone(store, [append(partition, 1, added)]);
        if (partition % 64 === 63) await apply(store, partition, added);
        else void apply(store, partition, added);
      }
      if (!trimmed) continue;
      const synced = await checkpoint(store);
      await submitDone(
        store,
        synced.map(({ partition, seq }) => ({ type: 'trim', partition, throughSeq: seq })),
      );
    }
  });
  await checkpoint(store);
  say(`  resident after filling ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
  await store.close();
  const opening = async (name: string) =>
    measure(name, 1, async () => (store = await openStore(home, storeOptions())));
  await opening('  start after a clean end (one row = all)');
  // An unclean end: the log is never told.
  await store.table.close();
  await store.log.close(false);
  say(`  resident ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
}

await benchLogFile();
const threaded = await openStore(path.join(folder, 'threads'), storeOptions());
await benchLogAdapter(threaded);
await threaded.close();
await benchTable();
const keys = Number(options.keys);
if (keys > 0) {
  await fill(keys, false);
  await fill(keys, true);
}
rmSync(folder, { recursive: true, force: true });
// The folder's lock outlives a store that was not closed whole.
process.exit(0);
