/** Whether a primary that the controller cannot reach is failed over, or awaited. */
import { describe, expect, it } from '@jest/globals';
import { planFailovers } from '../../../core/control/plan-failover.js';
import { defaultLimits } from '../../../core/limits.js';
import { Scene } from './planner-scene.js';

const cases: [string, (scene: Scene) => void, string][] = [
  [
    'not a lost primary that may be back in a moment, however long the controller heard nobody',
    (s) => {
      s.dead('a', 60_000);
      s.facts('a').awaitedUntil = s.view().now + 1;
      for (const id of ['b', 'c']) s.facts(id).peersAt = -Infinity;
    },
    '',
  ],
  [
    'not a silent primary that a backup hears',
    (s) => {
      s.dead('a', 0);
      s.hears('b', 'a');
    },
    '',
  ],
  [
    'a silent primary that a backup heard which is reached through others only',
    (s) => {
      s.dead('a', 0);
      s.hears('b', 'a');
      s.facts('b').connected = false;
    },
    'its primary a is lost',
  ],
  [
    'a silent primary that no backup hears, but another worker',
    (s) => {
      s.dead('a', 0);
      s.hears('d', 'a');
    },
    'its primary a is lost',
  ],
  [
    'a primary that refuses, whatever another worker last said',
    (s) => {
      s.dead('a', 0);
      s.facts('a').lostBy = 'refusal';
      s.hears('b', 'a');
    },
    'its primary a is lost',
  ],
  [
    'a silent primary that a backup heard which has told nothing of its streams since',
    (s) => {
      s.dead('a', 0);
      s.hears('b', 'a');
      s.facts('b').peersAt -= defaultLimits.suspicionMs + 1;
    },
    'its primary a is lost',
  ],
  [
    'a silent primary that a backup has heard for long, and the controller not',
    (s) => {
      s.dead('a', 5_000);
      s.hears('b', 'a');
    },
    'its primary a is lost',
  ],
  [
    'not a primary that may be back in a moment, if one backup does not hear it',
    (s) => {
      s.dead('a', 0);
      s.facts('a').awaitedUntil = s.view().now + 1;
      s.facts('c').peersAt = -Infinity;
    },
    '',
  ],
  [
    'a primary that may be back in a moment, but that no backup hears',
    (s) => {
      s.dead('a', 0);
      s.facts('a').awaitedUntil = s.view().now + 1;
    },
    'its primary a is lost',
  ],
  [
    'a lost primary that has been awaited long enough',
    (s) => {
      s.dead('a', 0);
      s.facts('a').awaitedUntil = s.view().now;
    },
    'its primary a is lost',
  ],
  [
    'a lost primary that an attempt has fenced, awaited or not',
    (s) => {
      s.dead('a', 0);
      Object.assign(s.facts('a'), { awaitedUntil: Infinity });
      s.partition.attempt = 7;
      s.ownAttempt = 7;
    },
    'its primary a is lost',
  ],
];

describe('failover', () => {
  it.each(cases)('%s', (_name, change, reason) => {
    const scene = new Scene(change);
    const { orders } = planFailovers(scene.view(), scene.memory());
    expect(orders).toHaveLength(reason === '' ? 0 : 1);
    if (reason !== '') expect(orders[0]?.reason).toContain(reason);
  });
});
