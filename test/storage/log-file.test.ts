import { afterEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { breakRule, mendRules } from '../../core/rules.js';
import type { LogCommand, LogResult } from '../../core/protocol/log-command.js';
import { entryContent } from '../../core/protocol/entry.js';
import { fieldsChecksum } from '../../node/storage/checksum.js';
import { LogFile } from '../../node/storage/log-file.js';
import { logMigrations } from '../../node/storage/log-schema.js';
import { applicationIds, migrate } from '../../node/storage/schema-migration.js';
import { append, bytesOf, entries, entry, promise, spoilEntry, sync } from './entries.js';

const identity = { clusterId: 'c', newStoreId: 'a1' };

function open(database = new Database(':memory:')): LogFile {
  return new LogFile(database, identity);
}

function statuses(results: LogResult[]): string[] {
  return results.map(({ status }) => status);
}

function seqs(log: LogFile, partition: number, fromSeq = 1): number[] {
  return log.read(partition, fromSeq, 1e9).map(({ seq }) => seq);
}

function slotCount(database: Database.Database): number {
  return database.prepare<[], number>('SELECT count(*) FROM log').pluck().get() ?? 0;
}

describe('LogFile', () => {
  afterEach(() => mendRules());

  const started: LogCommand[] = [promise(1, 5), sync(1, 5), append(1, 5, entries(5, 1, 3))];
  const table: { name: string; before?: LogCommand[]; command: LogCommand; status: string; last: number }[] =
    [
      { name: 'takes the next entries', command: append(1, 5, entries(5, 4, 5)), status: 'done', last: 5 },
      { name: 'refuses a gap', command: append(1, 5, entries(5, 5, 5)), status: 'refused', last: 3 },
      {
        name: 'refuses a gap inside',
        command: append(1, 5, [entry(5, 4), entry(5, 6)]),
        status: 'refused',
        last: 3,
      },
      { name: 'refuses what it has', command: append(1, 5, entries(5, 3, 4)), status: 'refused', last: 3 },
      { name: 'refuses another epoch', command: append(1, 6, entries(6, 4, 4)), status: 'refused', last: 3 },
      {
        name: 'refuses an unknown partition',
        command: append(2, 5, entries(5, 1, 1)),
        status: 'refused',
        last: 3,
      },
      {
        name: 'refuses below the promise',
        before: [promise(1, 7)],
        command: append(1, 5, entries(5, 4, 4)),
        status: 'refused',
        last: 3,
      },
      { name: 'keeps an equal promise', command: promise(1, 5), status: 'done', last: 3 },
      { name: 'refuses a lower promise', command: promise(1, 4), status: 'refused', last: 3 },
      { name: 'cuts in a newer epoch', command: sync(1, 6, 1, entries(6, 2, 2)), status: 'done', last: 2 },
      { name: 'cuts nothing within the synced epoch', command: sync(1, 5, 1), status: 'refused', last: 3 },
      { name: 'refuses a sync beyond its end', command: sync(1, 6, 4), status: 'refused', last: 3 },
      {
        name: 'refuses a sync below the promise',
        before: [promise(1, 9)],
        command: sync(1, 8, 1),
        status: 'refused',
        last: 3,
      },
      {
        name: 'refuses a cut below the start of the log',
        before: [{ type: 'trim', partition: 1, throughSeq: 2 }],
        command: sync(1, 6, 1),
        status: 'refused',
        last: 3,
      },
      {
        name: 'begins anew after a copy',
        command: {
          type: 'sync',
          partition: 1,
          epoch: 6,
          cutTo: 40,
          epochStarts: [],
          entries: entries(6, 41, 42),
          copy: { number: 3, atSeq: 40 },
        },
        status: 'done',
        last: 42,
      },
      {
        name: 'deletes at the promise',
        command: { type: 'delete', partition: 1, recordEpoch: 5 },
        status: 'done',
        last: 0,
      },
      {
        name: 'deletes not below the promise',
        command: { type: 'delete', partition: 1, recordEpoch: 4 },
        status: 'refused',
        last: 3,
      },
      {
        name: 'forgets whatever was promised',
        command: { type: 'forget', partition: 1 },
        status: 'done',
        last: 0,
      },
      { name: 'trims', command: { type: 'trim', partition: 1, throughSeq: 99 }, status: 'done', last: 3 },
    ];
  it.each(table)('$name', ({ before = [], command, status, last }) => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...started, ...before]);
    expect(statuses(log.commit([command]))).toEqual([status]);
    for (const one of [log, open(database)]) {
      const replica = one.recovered(() => 0).replicas.find(({ partition }) => partition === 1);
      expect(replica?.lastSeq).toBe(last);
    }
  });

  it('goes on after a refused command', () => {
    const log = open();
    const commands = [...started, append(1, 5, entries(5, 9, 9)), append(1, 5, entries(5, 4, 4))];
    expect(statuses(log.commit(commands))).toEqual(['done', 'done', 'done', 'refused', 'done']);
    expect(seqs(log, 1)).toEqual([1, 2, 3, 4]);
  });

  it('reads back the bytes it was given, from any position and within the bound', () => {
    const log = open();
    log.commit([promise(1, 5), sync(1, 5)]);
    for (let seq = 1; seq <= 2_000; seq += 1) {
      log.commit([append(1, 5, [entry(5, seq)])]);
    }
    expect(log.read(1, 1_500, 1e9)[0]?.bytes).toEqual(Buffer.from(entry(5, 1_500).bytes));
    expect(log.read(1, 1_500, 1)).toHaveLength(1);
    const [one] = log.read(1, 7, 1e9);
    const bytes = one?.bytes.length ?? 0;
    expect(log.read(1, 10, bytes * 3 + 30).length).toBeLessThanOrEqual(3);
    expect(log.read(1, 2_001, 1e9)).toEqual([]);
    expect(log.read(2, 1, 1e9)).toEqual([]);
  });

  it('trims, keeps what follows, and writes over what counts no more', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([promise(1, 5), sync(1, 5), append(1, 5, entries(5, 1, 1_000))]);
    const slots = slotCount(database);
    log.commit([{ type: 'trim', partition: 1, throughSeq: 600 }]);
    expect(seqs(log, 1, 600)).toEqual([]);
    expect(seqs(log, 1, 601)).toHaveLength(400);
    expect(log.freeSlots).toBeGreaterThan(slots / 2);
    const again = open(database);
    expect(again.freeSlots).toBe(log.freeSlots);
    expect(seqs(again, 1, 601)).toHaveLength(400);
    again.commit([append(1, 5, entries(5, 1_001, 1_500))]);
    expect(slotCount(database)).toBe(slots);
    expect(seqs(again, 1, 601)).toHaveLength(900);
    expect(seqs(open(database), 1, 601)).toHaveLength(900);
  });

  it('keeps the promise of a deleted replica', () => {
    const database = new Database(':memory:');
    open(database).commit([...started, { type: 'delete', partition: 1, recordEpoch: 5 }]);
    const log = open(database);
    expect(statuses(log.commit([promise(1, 4)]))).toEqual(['refused']);
    expect(log.recovered(() => 0).replicas).toMatchObject([
      { promisedEpoch: 5, syncedEpoch: 0, lastSeq: 0, forgotten: false },
    ]);
  });

  it('keeps the promise of a deleted replica only because of the rule', () => {
    const log = open();
    log.commit(started);
    breakRule('promise-survives-delete');
    log.commit([{ type: 'delete', partition: 1, recordEpoch: 5 }]);
    mendRules();
    expect(statuses(log.commit([promise(1, 4)]))).toEqual(['done']);
  });

  it('marks a forgotten replica until it is synced again', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...started, { type: 'forget', partition: 1 }]);
    expect(open(database).recovered(() => 0).replicas[0]).toMatchObject({
      forgotten: true,
      promisedEpoch: 5,
    });
    expect(statuses(log.commit([sync(1, 6, 0, entries(6, 1, 2))]))).toEqual(['done']);
    expect(open(database).recovered(() => 0).replicas[0]).toMatchObject({ forgotten: false, lastSeq: 2 });
  });

  it('remembers what it is told of the store and of others', () => {
    const database = new Database(':memory:');
    const log = open(database);
    const run = { id: 'w2', storeId: 'b', bootCount: 3, runId: 'r' };
    const ack = { id: 'w2', storeId: 'b', epoch: 5, seq: 3 };
    log.commit([
      ...started,
      { type: 'lease', leaseMs: 800 },
      { type: 'lease', leaseMs: 300 },
      { type: 'ring', version: 4, bytes: bytesOf('four') },
      { type: 'ring', version: 3, bytes: bytesOf('three') },
      { type: 'peerRun', run },
      { type: 'note', commits: [{ partition: 1, seq: 2, acks: [ack] }] },
      { type: 'note', commits: [{ partition: 1, seq: 1, acks: [] }] },
    ]);
    log.startRun();
    const recovered = open(database).recovered(() => 2);
    expect(recovered).toMatchObject({ storeId: 'a1', bootCount: 1, leaseMs: 800, peerRuns: [run] });
    expect(Buffer.from(recovered.ring ?? []).toString()).toBe('four');
    expect(recovered.replicas).toMatchObject([
      {
        promisedEpoch: 5,
        syncedEpoch: 5,
        commitSeq: 2,
        baseSeq: 0,
        lastSeq: 3,
        acks: [ack],
        epochStarts: [{ epoch: 5, firstSeq: 1 }],
      },
    ]);
    expect(recovered.replicas[0]?.tail.map(({ seq }) => seq)).toEqual([3]);
  });

  it('remembers each store of a peer beside the others, the ones seen last', () => {
    const database = new Database(':memory:');
    const log = open(database);
    const run = (storeId: string, bootCount = 1) => ({
      id: 'w2',
      storeId,
      bootCount,
      runId: `r${bootCount}`,
    });
    const other = { id: 'w3', storeId: 'x', bootCount: 7, runId: 'r' };
    const ack = (storeId: string, seq: number) => ({ id: 'w2', storeId, epoch: 5, seq });
    const runs = [other, run('a'), run('b'), run('c'), run('d'), run('a', 2), run('e')];
    log.commit([
      ...started,
      ...runs.map((each): LogCommand => ({ type: 'peerRun', run: each })),
      { type: 'note', commits: [{ partition: 1, seq: 2, acks: [ack('a', 3)] }] },
      { type: 'note', commits: [{ partition: 1, seq: 2, acks: [ack('b', 1)] }] },
    ]);
    const { peerRuns, replicas } = open(database).recovered(() => 2);
    expect(peerRuns).toEqual([other, run('c'), run('d'), run('a', 2), run('e')]);
    expect(replicas[0]?.acks).toEqual([ack('a', 3), ack('b', 1)]);
  });

  it('keeps what a file of before knew of its peers', () => {
    const database = new Database(':memory:');
    migrate(database, applicationIds.log, logMigrations.slice(0, 1));
    const run = { id: 'w2', storeId: 'b', bootCount: 3, runId: 'r' };
    const sum = fieldsChecksum([run.id, run.storeId, run.bootCount, run.runId]);
    database.exec(`INSERT INTO peer_runs VALUES ('w2', 'b', 3, 'r', ${sum})`);
    expect(open(database).recovered(() => 0).peerRuns).toEqual([run]);
  });

  it('knows after a start how large the log of each partition is', () => {
    const database = new Database(':memory:');
    const log = open(database);
    const kept = entries(5, 2, 3);
    log.commit([...started, { type: 'trim', partition: 1, throughSeq: 1 }, promise(2, 1), sync(2, 1)]);
    const sizes = open(database)
      .recovered(() => 3)
      .replicas.map(({ logBytes }) => logBytes);
    expect(sizes).toEqual([kept.reduce((sum, { bytes }) => sum + bytes.length, 0), 0]);
  });

  it('undoes a transaction for which there is no room, and goes on when there is', () => {
    const database = new Database(':memory:');
    const log = new LogFile(database, { ...identity, pagesMax: 40 });
    log.commit(started);
    const large = entry(5, 4, { value: 'x'.repeat(300_000) });
    const commands: LogCommand[] = [
      promise(1, 6),
      sync(1, 6, 2, entries(6, 3, 3)),
      promise(9, 1),
      { type: 'trim', partition: 1, throughSeq: 1 },
      append(1, 6, [{ ...large, epoch: 6 }]),
    ];
    expect(new Set(statuses(log.commit(commands)))).toEqual(new Set(['full']));
    expect(seqs(log, 1)).toEqual([1, 2, 3]);
    expect(log.recovered(() => 0).replicas).toMatchObject([{ partition: 1, promisedEpoch: 5, baseSeq: 0 }]);
    expect(statuses(log.commit([append(1, 5, entries(5, 4, 4))]))).toEqual(['done']);
    database.pragma('max_page_count = 100000');
    expect(statuses(log.commit([append(1, 5, [entry(5, 5, { value: 'x'.repeat(300_000) })])]))).toEqual([
      'done',
    ]);
    expect(seqs(open(database), 1)).toEqual([1, 2, 3, 4, 5]);
  });

  it('shows keys and values in plain SQL', () => {
    const log = open();
    const long = 'k'.repeat(700);
    log.commit([
      promise(1, 5),
      sync(1, 5),
      append(1, 5, [
        entry(5, 1, { key: 'grüße', value: 'hello', idempotencyKey: 'id-1' }),
        entry(5, 2, { key: long, kind: 'delete', created: false, contentType: '' }),
        entry(5, 3, { value: 'v'.repeat(10_000) }),
        entry(5, 4, { value: 'last' }),
      ]),
      promise(3, 5),
      sync(3, 5),
      append(3, 5, [entry(5, 1, { value: 'w'.repeat(5_000) })]),
      promise(2, 5),
      sync(2, 5, 0, [entry(5, 1, { key: 'other' }), entry(5, 2)]),
      { type: 'trim', partition: 2, throughSeq: 1 },
      sync(1, 6, 3, [entry(6, 4, { value: 'instead' })]),
    ]);
    const rows = log.database.prepare('SELECT * FROM entries').all();
    expect(rows).toMatchObject([
      { partition: 1, seq: 1, epoch: 5, kind: 'put', created: 1, key: 'grüße', value: 'hello' },
      { partition: 1, seq: 2, epoch: 5, kind: 'delete', created: 0, key: long, value: null },
      { partition: 1, seq: 3, epoch: 5, key: 'key-3', value: 'v'.repeat(10_000) },
      { partition: 1, seq: 4, epoch: 6, key: 'key-4', value: 'instead' },
      { partition: 2, seq: 2, epoch: 5, key: 'key-2', value: 'value-2' },
      { partition: 3, seq: 1, epoch: 5, key: 'key-1', value: 'w'.repeat(5_000) },
    ]);
    expect(rows[0]).toMatchObject({ content_type: 'text/plain', idempotency_key: 'id-1' });
  });

  it.each([
    ['refuse-below-promise', append(1, 5, entries(5, 4, 4)), [promise(1, 7)]],
    ['append-needs-synced-epoch', append(1, 6, entries(6, 4, 4)), []],
    ['contiguous-prefix', append(1, 5, entries(5, 6, 6)), []],
    ['no-cut-within-synced-epoch', sync(1, 5, 1), []],
    ['delete-at-promise', { type: 'delete', partition: 1, recordEpoch: 4 }, []],
  ] as [Parameters<typeof breakRule>[0], LogCommand, LogCommand[]][])(
    'refuses only because of the rule %s',
    (rule, command, before) => {
      const database = new Database(':memory:');
      const log = open(database);
      log.commit([...started, ...before]);
      expect(statuses(log.commit([command]))).toEqual(['refused']);
      breakRule(rule);
      expect(statuses(log.commit([command]))).toEqual(['done']);
      const reopened = open(database).recovered(() => 0).replicas[0];
      // How large the log is, is counted when the file is opened.
      const logBytes = reopened?.logBytes ?? -1;
      expect(reopened).toEqual({ ...log.recovered(() => 0).replicas[0], logBytes });
    },
  );

  it('proves entries while opening, and names the newest damaged one', () => {
    const database = new Database(':memory:');
    open(database).commit([...started, promise(2, 5), sync(2, 5, 0, entries(5, 1, 2))]);
    spoilEntry(database, 1, 2);
    expect([...new LogFile(database, { ...identity, verify: true }).damage]).toEqual([[1, 2]]);
    expect(() => open(database).read(1, 1, 1e9)).toThrow('damaged');
  });

  it('keeps what an entry says', () => {
    const log = open();
    log.commit([promise(1, 5), sync(1, 5, 0, [entry(5, 1, { key: 'k', value: '' })])]);
    const [read] = log.read(1, 1, 1e9);
    if (read === undefined) throw new Error('not there');
    expect(entryContent(read)).toMatchObject({ kind: 'put', contentType: 'text/plain', created: true });
  });
});
