import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LogCommand } from '../../core/protocol/log-command.js';
import { LogFile } from '../../node/storage/log-file.js';
import { entry } from './entries.js';
import { newFolder, removeFolder } from './folder.js';

/** The same rules as the log's, over plain lists: what each partition promises and holds. */
interface ModelReplica {
  promised: number;
  synced: number;
  base: number;
  /** Epoch of each entry after `base`. */
  epochs: number[];
  forgotten: boolean;
}

class Model {
  readonly replicas = new Map<number, ModelReplica>();

  private of(partition: number): ModelReplica {
    const found = this.replicas.get(partition);
    if (found !== undefined) return found;
    const fresh = { promised: 0, synced: 0, base: 0, epochs: [], forgotten: false };
    this.replicas.set(partition, fresh);
    return fresh;
  }

  run(command: LogCommand): boolean {
    if (!('partition' in command)) return true;
    const known = this.replicas.get(command.partition);
    if (command.type === 'trim' || command.type === 'forget' || command.type === 'delete') {
      return known === undefined || this.shrink(command, known);
    }
    if (known !== undefined && command.epoch < known.promised) return false;
    if (command.type === 'promise') {
      this.of(command.partition).promised = command.epoch;
      return true;
    }
    const end = known === undefined ? 0 : known.base + known.epochs.length;
    const from = command.type === 'append' ? end : command.cutTo;
    if (command.entries.some(({ seq }, index) => seq !== from + index + 1)) return false;
    const epochs = command.entries.map(({ epoch }) => epoch);
    if (command.type === 'append') {
      if (known?.synced !== command.epoch) return false;
      known.epochs.push(...epochs);
      return true;
    }
    const cutsNothing = command.copy !== null && from + epochs.length >= end;
    const atLeast = (known?.synced ?? 0) + (cutsNothing ? 0 : 1);
    if (known !== undefined && command.epoch < atLeast) return false;
    if (command.copy === null && (from > end || from < (known?.base ?? 0))) return false;
    const replica = this.of(command.partition);
    if (command.copy !== null) Object.assign(replica, { base: from, epochs: [] });
    replica.epochs.length = from - replica.base;
    replica.epochs.push(...epochs);
    Object.assign(replica, { synced: command.epoch, promised: command.epoch, forgotten: false });
    return true;
  }

  private shrink(
    command: LogCommand & { type: 'trim' | 'forget' | 'delete' },
    replica: ModelReplica,
  ): boolean {
    if (command.type === 'trim') {
      const gone = Math.max(0, Math.min(replica.epochs.length, command.throughSeq - replica.base));
      replica.epochs.splice(0, gone);
      replica.base += gone;
      return true;
    }
    if (command.type === 'delete' && replica.promised > command.recordEpoch) return false;
    Object.assign(replica, { synced: 0, base: 0, epochs: [], forgotten: command.type === 'forget' });
    return true;
  }
}

const partition = fc.integer({ min: 1, max: 3 });
const epoch = fc.integer({ min: 1, max: 8 });
const count = fc.integer({ min: 0, max: 5 });
/** A step before it is known what the log holds: `shift` misses the right position now and then. */
const step = fc.record({
  type: fc.constantFrom(
    'promise',
    'append',
    'append',
    'append',
    'sync',
    'sync',
    'copy',
    'trim',
    'delete',
    'forget',
  ),
  partition,
  epoch,
  newest: fc.boolean(),
  count,
  shift: fc.constantFrom(0, 0, 0, 0, 1, -1, -2),
  /** Some fill a block soon, some need several. */
  valueBytes: fc.constantFrom(8, 8, 8, 300, 1_500, 2_500, 5_000),
});
type Step = Parameters<
  Parameters<typeof fc.property<[typeof step extends fc.Arbitrary<infer S> ? S : never]>>[1]
>[0];

function commandOf(plan: Step, model: Model): LogCommand {
  const held = model.replicas.get(plan.partition);
  const end = held === undefined ? 0 : held.base + held.epochs.length;
  const epochNow = plan.newest ? Math.max(held?.synced ?? 0, held?.promised ?? 0, 1) : plan.epoch;
  const from = Math.max(0, end + plan.shift);
  const value = 'x'.repeat(plan.valueBytes);
  const added = Array.from({ length: plan.count }, (_, index) =>
    entry(epochNow, from + index + 1, { value }),
  );
  const common = { partition: plan.partition, epoch: epochNow };
  const epochStarts = [{ epoch: epochNow, firstSeq: from + 1 }];
  switch (plan.type) {
    case 'append':
      return { type: 'append', ...common, entries: added };
    case 'sync':
      return { type: 'sync', ...common, cutTo: from, epochStarts, entries: added, copy: null };
    case 'copy': {
      const copy = { number: plan.count + 1, atSeq: from };
      return { type: 'sync', ...common, cutTo: from, epochStarts, entries: added, copy };
    }
    case 'trim':
      return { type: 'trim', partition: plan.partition, throughSeq: from };
    case 'delete':
      return { type: 'delete', partition: plan.partition, recordEpoch: plan.epoch };
    case 'forget':
      return { type: 'forget', partition: plan.partition };
    default:
      return { type: 'promise', ...common };
  }
}

function expectSame(log: LogFile, model: Model): void {
  const replicas = log.recovered(() => 0).replicas;
  expect(replicas.map(({ partition: one }) => one)).toEqual([...model.replicas.keys()].sort());
  for (const replica of replicas) {
    const held = model.replicas.get(replica.partition);
    const { promisedEpoch: promised, syncedEpoch: synced, baseSeq: base, forgotten } = replica;
    const epochs = log.read(replica.partition, base + 1, 1e9).map((one) => one.epoch);
    expect({ promised, synced, base, epochs, forgotten }).toEqual(held);
    expect(replica.lastSeq).toBe(base + epochs.length);
  }
}

describe('LogFile against a model', () => {
  let folder: string;
  let files = 0;
  beforeAll(() => {
    folder = newFolder('memory');
  });
  afterAll(() => removeFolder(folder));

  it('answers and holds the same, transaction by transaction, and when it is opened again', () => {
    const transaction = fc.record({
      steps: fc.array(step, { minLength: 1, maxLength: 6 }),
      then: fc.constantFrom('go on', 'go on', 'reopen', 'reopen', 'no room'),
    });
    let refused = 0;
    let taken = 0;
    fc.assert(
      fc.property(fc.array(transaction, { maxLength: 25 }), (transactions) => {
        files += 1;
        const file = path.join(folder, `${files}.db`);
        const options = { clusterId: 'c', newStoreId: 'a1' };
        let log = new LogFile(file, options);
        const model = new Model();
        for (const { steps, then } of transactions) {
          const commands: LogCommand[] = [];
          const expected: string[] = [];
          for (const plan of steps) {
            const command = commandOf(plan, model);
            commands.push(command);
            expected.push(model.run(command) ? 'done' : 'refused');
          }
          if (then === 'no room') withoutRoom(log, commands);
          const results = log.commit(commands).map(({ status }) => status);
          expect(results).toEqual(expected);
          refused += expected.filter((status) => status === 'refused').length;
          taken += expected.filter((status) => status === 'done').length;
          if (then === 'reopen') {
            const { freeSlots } = log;
            log.close();
            log = new LogFile(file, { ...options, verify: true });
            expect([...log.damage]).toEqual([]);
            // Nothing counts that does not, and nothing is lost for good.
            expect(log.freeSlots).toBe(freeSlots);
          }
          expectSame(log, model);
        }
        log.close();
        rmSync(file);
      }),
      { numRuns: 60 },
    );
    expect(refused).toBeGreaterThan(50);
    expect(taken).toBeGreaterThan(200);
  });

  /** The same commands first with an entry behind them that does not fit: nothing of them may stay. */
  function withoutRoom(log: LogFile, commands: LogCommand[]): void {
    const pages = log.database.pragma('page_count', { simple: true }) as number;
    log.database.pragma(`max_page_count = ${pages + 20}`);
    const large = entry(9, 1, { value: 'x'.repeat(200_000) });
    const filler: LogCommand[] = [
      { type: 'sync', partition: 9, epoch: 9, cutTo: 0, epochStarts: [], entries: [large], copy: null },
    ];
    const results = log.commit([...commands, ...filler]);
    log.database.pragma('max_page_count = 1000000');
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['full']));
  }
});
