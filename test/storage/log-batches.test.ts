import { describe, expect, it } from '@jest/globals';
import { LogBatches } from '../../node/storage/log-batches.js';
import { LogCheckpoints } from '../../node/storage/log-checkpoints.js';
import { append, entries, entry } from './entries.js';

const nothing = () => undefined;

describe('LogBatches', () => {
  it('gives nothing that is not due', () => {
    const batches = new LogBatches();
    batches.add([append(1, 1, entries(1, 1, 1))], nothing);
    expect(batches.take()).toBeNull();
    batches.flush();
    batches.add([append(1, 1, entries(1, 2, 3))], nothing);
    expect(batches.take()?.commands).toHaveLength(2);
    expect(batches.bytes).toBe(0);
    batches.add([append(1, 1, entries(1, 4, 4))], nothing);
    expect(batches.take()).toBeNull();
  });

  it('bounds a batch by commands and by bytes, and keeps the order', () => {
    const batches = new LogBatches();
    for (let index = 0; index < 5_000; index += 1) batches.add([append(index, 1, [])], nothing);
    const large = { value: 'x'.repeat(3 * 1024 * 1024) };
    for (let seq = 1; seq <= 4; seq += 1)
      batches.add([append(9_000 + seq, 1, [entry(1, seq, large)])], nothing);
    batches.flush();
    const taken: number[][] = [];
    for (let batch = batches.take(); batch !== null; batch = batches.take()) {
      taken.push(batch.commands.map((command) => ('partition' in command ? command.partition : -1)));
    }
    expect(taken.map(({ length }) => length)).toEqual([4_096, 5_000 - 4_096 + 3, 1]);
    expect(taken.flat()).toEqual([
      ...Array.from({ length: 5_000 }, (_, at) => at),
      9_001,
      9_002,
      9_003,
      9_004,
    ]);
    expect(batches.bytes).toBe(0);
  });

  it('lets nothing that comes after a read go before it', () => {
    const batches = new LogBatches();
    batches.addRead(nothing);
    batches.addRead(nothing);
    batches.add([append(1, 1, entries(1, 1, 1))], nothing);
    batches.addRead(nothing);
    batches.add([append(1, 1, entries(1, 2, 2))], nothing);
    batches.flush();
    const taken = [batches.take(), batches.take(), batches.take(), batches.take()];
    expect(taken.map((batch) => [batch?.commands.length, batch?.reads.length])).toEqual([
      [0, 2],
      [1, 1],
      [1, 0],
      [undefined, undefined],
    ]);
  });
});

describe('LogCheckpoints', () => {
  it('has the bulk moved once, then the rest, and begins anew', () => {
    let moves = 0;
    const checkpoints = new LogCheckpoints(100_000, () => (moves += 1));
    for (let commit = 0; commit < 30; commit += 1) checkpoints.wrote(1);
    expect([moves, checkpoints.isToFinish]).toEqual([1, false]);
    checkpoints.moved();
    expect(checkpoints.isToFinish).toBe(true);
    checkpoints.finished(true);
    expect(checkpoints.isToFinish).toBe(false);
    for (let commit = 0; commit < 11; commit += 1) checkpoints.wrote(1);
    expect(moves).toBe(1);
    for (let commit = 0; commit < 3; commit += 1) checkpoints.wrote(1);
    expect(moves).toBe(2);
  });

  it('has nothing moved while the rest is still to be', () => {
    let moves = 0;
    const checkpoints = new LogCheckpoints(100_000, () => (moves += 1));
    for (let commit = 0; commit < 15; commit += 1) checkpoints.wrote(1);
    checkpoints.moved();
    checkpoints.wrote(1);
    expect(moves).toBe(1);
  });

  it('tries again sooner if a reader was in the way, and does not wait for a reader for ever', () => {
    let moves = 0;
    const checkpoints = new LogCheckpoints(100_000, () => (moves += 1));
    for (let commit = 0; commit < 15; commit += 1) checkpoints.wrote(1);
    checkpoints.moved();
    checkpoints.finished(false);
    for (let commit = 0; commit < 8; commit += 1) checkpoints.wrote(1);
    expect(moves).toBe(2);
    for (let commit = 0; commit < 100; commit += 1) checkpoints.wrote(1);
    expect(checkpoints.isToFinish).toBe(true);
  });
});
