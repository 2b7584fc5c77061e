/** The small parts of the platform that both programs stand on. */
import { describe, expect, it } from '@jest/globals';
import { EndOfTick } from '../../../platform/end-of-tick.js';
import { arrivals } from '../../../platform/socket-bytes.js';
import { crc32 } from '../../../platform/crc32.js';
import { createLogger } from '../../../platform/logger.js';
import { Shutdown } from '../../../platform/shutdown.js';
import type { Logger } from '../../../platform/logger.js';

function linesLogger(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  return { logger: createLogger({ level: 'info', format: 'json', fields: { name: 'x' }, write }), lines };
}

describe('crc32', () => {
  it('is the one that everybody calls CRC-32', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });
});

/** Turns of the event loop. */
async function looks(count: number): Promise<void> {
  for (let look = 0; look < count; look += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('EndOfTick', () => {
  it('runs work before flushes, and work that work defers in the same turn', async () => {
    const endOfTick = new EndOfTick();
    const order: string[] = [];
    endOfTick.flush(() => order.push('flush'));
    endOfTick.defer(() => {
      order.push('work');
      endOfTick.defer(() => order.push('more work'));
    });
    expect(order).toEqual([]);
    await looks(2);
    expect(order).toEqual(['work', 'more work', 'flush']);
  });

  it('runs what may take a moment when all else is flushed, and flushes what that leads to', async () => {
    const endOfTick = new EndOfTick();
    const order: string[] = [];
    endOfTick.last(() => {
      order.push('last');
      endOfTick.flush(() => order.push('flush of last'));
      endOfTick.defer(() => order.push('work of last'));
      endOfTick.last(() => order.push('last of last'));
    });
    endOfTick.flush(() => order.push('flush'));
    endOfTick.defer(() => order.push('work'));
    await looks(2);
    expect(order).toEqual(['work', 'flush', 'last', 'work of last', 'flush of last']);
    await looks(3);
    expect(order.slice(5)).toEqual(['last of last']);
  });

  it('gives the world its turn when work never ends', async () => {
    const endOfTick = new EndOfTick();
    let runs = 0;
    const again = () => {
      runs += 1;
      if (runs < 1_000) endOfTick.defer(again);
    };
    endOfTick.defer(again);
    await looks(2);
    expect(runs).toBeLessThan(10);
    expect(runs).toBeGreaterThan(0);
    while (runs < 1_000) await looks(1);
  });

  it('is put off while sockets have more to read, but not for ever', async () => {
    const endOfTick = new EndOfTick();
    const ended: string[] = [];
    endOfTick.flush(() => ended.push('first'));
    await looks(1);
    arrivals.count += 1;
    await looks(1);
    expect(ended).toEqual([]);
    await looks(1);
    expect(ended).toEqual(['first']);
    endOfTick.flush(() => ended.push('second'));
    let count = 0;
    for (; ended.length < 2 && count < 100; count += 1) {
      arrivals.count += 1;
      await looks(1);
    }
    expect(count).toBeGreaterThan(2);
    expect(count).toBeLessThan(10);
  });
});

describe('createLogger', () => {
  it('writes one JSON object per line, message constant and data in fields', () => {
    const { logger, lines } = linesLogger();
    logger.with({ partition: 3 }).warn('stream closed', { reason: 'silent' });
    logger.debug('not shown');
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: 'stream closed',
        name: 'x',
        partition: 3,
        reason: 'silent',
      }),
    ]);
  });

  it('writes readable lines', () => {
    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    const logger = createLogger({ level: 'info', format: 'pretty', fields: { name: 'worker-1' }, write });
    logger.info('ring adopted', { version: 12, why: 'it is new' });
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}worker-1 ring adopted version=12 why="it is new"\n$/,
    );
  });
});

describe('Shutdown', () => {
  it('runs the steps in order, past those that fail or hang', async () => {
    const { logger, lines } = linesLogger();
    const done: string[] = [];
    const shutdown = new Shutdown(logger, (code) => done.push(`exit ${code}`));
    shutdown.addStep('first', 1_000, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      done.push('first');
    });
    shutdown.addStep('failing', 1_000, () => {
      throw new Error('broken');
    });
    shutdown.addStep('hanging', 10, () => new Promise<void>(() => undefined));
    shutdown.addStep('last', 1_000, () => void done.push('last'));
    await shutdown.stop('SIGTERM', 0);
    expect(done).toEqual(['first', 'last', 'exit 0']);
    expect(lines.map((line) => line.msg)).toEqual([
      'stopping',
      'shutdown step failed',
      'shutdown step took too long',
      'stopped',
    ]);
  });

  it('ends at once when asked again', async () => {
    const { logger } = linesLogger();
    const codes: number[] = [];
    let now = 0;
    const exit = (code: number) => codes.push(code);
    const shutdown = new Shutdown(logger, exit, () => now);
    shutdown.addStep('slow', 1_000, () => new Promise<void>((resolve) => setTimeout(resolve, 20)));
    const first = shutdown.stop('SIGINT', 0);
    await shutdown.stop('SIGINT', 0);
    expect(codes).toEqual([]);
    now = 3_000;
    await shutdown.stop('SIGINT', 0);
    expect(codes).toEqual([1]);
    await first;
  });
});
