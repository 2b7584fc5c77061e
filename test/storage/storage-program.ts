/**
 * Run by the tests as a process of its own: `storage-program <mode> <folder>`.
 *   write   writes until it is killed; a line `ack <partition> <seq>` follows what is durable, not before
 *   count   commits one by one, then many at once; marks each phase in the list of its system calls by
 *   opening a file
 */
import { existsSync, writeSync } from 'node:fs';
import type { RecoveredReplica } from '../../core/protocol/log-command.js';
import { append, entry, promise, sync } from './entries.js';
import { apply, checkpoint, open, submitDone } from './folder.js';
import { alternatePlaces } from './places.js';
import type { Store } from '../../node/storage/open-store.js';

export const writtenPartitions = [1, 2, 3, 4];

export function writtenValue(partition: number, seq: number): string {
  return `${partition}:${seq}:`.repeat(1 + (seq % 60));
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/**
 * Leads a new epoch on top of whatever is there, then writes, commits, applies and trims as a worker would.
 */
async function writePartition(
  store: Store,
  partition: number,
  found: RecoveredReplica | undefined,
): Promise<void> {
  const epoch = Math.max(found?.promisedEpoch ?? 0, found?.syncedEpoch ?? 0) + 1;
  let seq = found?.lastSeq ?? 0;
  await submitDone(store, [promise(partition, epoch)]);
  await submitDone(store, [sync(partition, epoch, seq)]);
  const waiting = [...(found?.tail ?? [])];
  for (;;) {
    const count = 1 + (seq % 7);
    const added = Array.from({ length: count }, (_, index) => {
      const at = seq + 1 + index;
      return entry(epoch, at, { key: `${partition}/${at}`, value: writtenValue(partition, at) });
    });
    seq += count;
    await submitDone(store, [append(partition, epoch, added)]);
    say(`ack ${partition} ${seq}`);
    store.log.submit([{ type: 'note', commits: [{ partition, seq, acks: [] }] }], () => undefined);
    waiting.push(...added);
    if (waiting.length < 40) continue;
    await apply(store, partition, waiting.splice(0));
    const synced = await checkpoint(store);
    const durable = synced.find((position) => position.partition === partition)?.seq ?? 0;
    if (durable < seq) throw new Error('the checkpoint left something out');
    await submitDone(store, [{ type: 'trim', partition, throughSeq: Math.max(0, durable - 10) }]);
  }
}

async function write(folder: string): Promise<void> {
  const onFailure = (error: Error) => {
    say(`failed ${error.message}`);
    process.exit(70);
  };
  const store = await open(folder, { walBytes: 128 * 1024, onFailure, place: alternatePlaces() });
  say(`open ${store.recovered.bootCount}`);
  const replicas = new Map(store.recovered.replicas.map((replica) => [replica.partition, replica]));
  await Promise.all(
    writtenPartitions.map((partition) => writePartition(store, partition, replicas.get(partition))),
  );
}

async function count(folder: string): Promise<void> {
  const store = await open(folder);
  await submitDone(store, [promise(1, 1), sync(1, 1)]);
  const mark = (name: string) => {
    existsSync(`/mark-${name}`);
    say(`${name} ${store.log.commitCount}`);
  };
  mark('single');
  for (let seq = 1; seq <= 50; seq += 1) await submitDone(store, [append(1, 1, [entry(1, seq)])]);
  mark('shared');
  let seq = 50;
  const client = async () => {
    for (let round = 0; round < 10; round += 1) {
      seq += 1;
      await submitDone(store, [append(1, 1, [entry(1, seq)])]);
    }
  };
  await Promise.all(Array.from({ length: 64 }, client));
  mark('end');
  await store.close();
}

const [, , mode, folder = ''] = process.argv;
if (mode === 'write') await write(folder);
if (mode === 'count') await count(folder);
