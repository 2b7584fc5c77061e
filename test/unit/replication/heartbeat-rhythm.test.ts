/** Heartbeats come in step, however late the ticks are and whatever was told between them. */
import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import { ScriptedWorker } from './harness.js';

const { heartbeatMs } = defaultLimits;
/** How often a worker at rest ticks. */
const restMs = 250;

/** Ticks of a worker at rest, each so late; the pauses between the heartbeats of the last ten seconds. */
function pauses(
  latenessOf: (tick: number) => number,
  between: (a: ScriptedWorker, tick: number) => void,
): number[] {
  const a = new ScriptedWorker();
  a.worker.controllerConnected('controller');
  const startedAt = a.now;
  for (let tick = 1; tick <= 60; tick += 1) {
    a.now = startedAt + tick * restMs + latenessOf(tick);
    a.worker.tick();
    between(a, tick);
  }
  const last = a.heartbeats.map(({ at }) => at).filter((at) => at > a.now - 10_000);
  return last.slice(1).map((at, index) => at - (last[index] ?? 0));
}

describe('heartbeats of a worker at rest', () => {
  it('are not left out because the one before was late', () => {
    const found = pauses(
      (tick) => [0, 60, -1, 30][tick % 4] ?? 0,
      () => undefined,
    );
    expect(Math.max(...found)).toBeLessThanOrEqual(heartbeatMs + 61);
    expect(found.length).toBeGreaterThanOrEqual(18);
    expect(found.length).toBeLessThanOrEqual(20);
  });

  it('are not put off by those out of turn', () => {
    const found = pauses(
      () => 0,
      (a, tick) => {
        if (tick % 7 !== 0) return;
        a.now += 130;
        a.worker.controllerRequest('controller', { type: 'reportAll' });
        a.worker.tick();
      },
    );
    expect(Math.max(...found)).toBeLessThanOrEqual(heartbeatMs);
  });

  it('come with the next tick when a stream to a peer has ended, and when it is there again', () => {
    const a = new ScriptedWorker();
    a.worker.controllerConnected('controller');
    a.pass(4 * heartbeatMs);
    for (const change of [
      () => a.worker.peerDisconnected('b'),
      () => a.worker.peerConnected({ id: 'b', storeId: 'store-b', bootCount: 1, runId: 'run' }),
    ]) {
      // Right after one that was due, so that this one is not.
      for (a.heartbeats.length = 0; a.heartbeats.length === 0;) a.pass(defaultLimits.tickMs);
      a.heartbeats.length = 0;
      change();
      a.pass(defaultLimits.tickMs);
      expect(a.heartbeats.map(({ at }) => at)).toEqual([a.now]);
    }
  });
});
