/** What the failure detector makes of silence: of one worker, and of all. */
import { describe, expect, it } from '@jest/globals';
import type { ControlEffect } from '../../../core/control/control-event.js';
import { FailureDetector } from '../../../core/control/failure-detector.js';
import { WorkerDirectory } from '../../../core/control/worker-facts.js';
import type { WorkerFacts } from '../../../core/control/worker-facts.js';
import { defaultLimits } from '../../../core/limits.js';

const { suspicionMs, tickMs } = defaultLimits;

class Watched {
  now = 0;
  private readonly effects: ControlEffect[] = [];
  private readonly workers = new WorkerDirectory();
  private readonly detector = new FailureDetector(defaultLimits, this.workers, (effect) =>
    this.effects.push(effect),
  );

  facts(id: string): WorkerFacts {
    const facts = this.workers.ensure(id, this.now);
    if (facts === undefined) throw new Error(`no ${id}`);
    return facts;
  }

  hear(...ids: string[]): void {
    for (const id of ids) {
      this.facts(id).connected = true;
      this.detector.heard(this.facts(id), null, this.now);
    }
  }

  /** Time passes, and every probe goes without an answer; `heard` speak all the while. */
  silence(ms: number, ...heard: string[]): void {
    for (const end = this.now + ms; this.now < end; this.now += tickMs) {
      this.hear(...heard);
      this.detector.tick(this.now);
      for (const effect of this.effects.splice(0)) {
        if (effect.type === 'probe') this.detector.probed(effect.token, effect.worker, 'silent', this.now);
      }
    }
  }
}

function watched(...ids: string[]): Watched {
  const scene = new Watched();
  scene.hear(...ids);
  scene.silence(tickMs, ...ids);
  return scene;
}

describe('silence', () => {
  it('of one is awaited by nobody', () => {
    const scene = watched('a', 'b');
    scene.silence(2 * suspicionMs, 'b');
    expect(scene.facts('a')).toMatchObject({
      liveness: 'dead',
      lostBy: 'silence',
      awaitedUntil: -Infinity,
    });
  });

  it('of all is awaited, until a while after the first word of anybody', () => {
    const scene = watched('a', 'b', 'c');
    scene.silence(2 * suspicionMs);
    for (const id of ['a', 'b', 'c']) {
      expect(scene.facts(id)).toMatchObject({ liveness: 'dead', awaitedUntil: Infinity });
    }
    scene.hear('b');
    const firstWordAt = scene.now;
    const { awaitedUntil } = scene.facts('a');
    expect(awaitedUntil).toBeGreaterThan(firstWordAt);
    expect(awaitedUntil).toBeLessThan(firstWordAt + 5_000);
    scene.silence(500, 'b');
    scene.hear('c');
    expect(scene.facts('a').awaitedUntil).toBe(awaitedUntil);
  });

  it('after that is silence of one again', () => {
    const scene = watched('a', 'b');
    scene.silence(2 * suspicionMs);
    scene.hear('a', 'b');
    scene.silence(2 * suspicionMs, 'b');
    expect(scene.facts('a')).toMatchObject({ liveness: 'dead', awaitedUntil: -Infinity });
  });
});
