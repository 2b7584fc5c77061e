/**
 * The planners as tables: what follows from one view of the cluster.
 */
import { describe, expect, it } from '@jest/globals';
import { planFailovers } from '../../../core/control/plan-failover.js';
import { planHandovers } from '../../../core/control/plan-rebalance.js';
import { planReplacements } from '../../../core/control/plan-replacement.js';
import { defaultLimits } from '../../../core/limits.js';
import { report, Scene } from './planner-scene.js';

const failovers: [string, (scene: Scene) => void, string][] = [
  ['nothing while all is well', () => undefined, ''],
  ['a lost primary', (s) => s.dead('a', 0), 'its primary a is lost'],
  ['a restarted primary', (s) => (s.facts('a').bootCount = 2), 'its primary a restarted'],
  ['a wiped primary', (s) => s.wiped('a'), 'its primary a has another store'],
  [
    'an unfinished attempt of one’s own',
    (s) => {
      s.partition.attempt = 7;
      s.ownAttempt = 7;
      s.lasts = 0;
    },
    'an attempt',
  ],
  [
    'not yet: another’s attempt',
    (s) => {
      s.partition.attempt = 7;
      s.lasts = 0;
    },
    '',
  ],
  ['another’s attempt that is old', (s) => (s.partition.attempt = 7), 'an attempt was left unfinished'],
  [
    'a promise above the record',
    (s) => s.facts('b').replicas.set(0, { ...report(false), promisedEpoch: 8 }),
    'an attempt was left unfinished',
  ],
  ['a primary cut off', (s) => s.cut('a', 'b', 'c'), 'its primary a does not reach the others'],
  [
    'not a primary cut off for a moment',
    (s) => {
      s.cut('a', 'b', 'c');
      s.lasts = 0;
    },
    '',
  ],
  ['not a primary cut off from one', (s) => s.cut('a', 'b'), ''],
  [
    'not if the others do not reach one another',
    (s) => {
      s.cut('a', 'b', 'c');
      s.cut('b', 'c');
    },
    '',
  ],
  [
    'a primary that does not serve',
    (s) => s.facts('a').replicas.set(0, report(false)),
    'its primary a does not serve',
  ],
  [
    'not one that has not got the ring yet',
    (s) => {
      s.facts('a').replicas.set(0, report(false));
      s.publishedVersion = 3;
    },
    '',
  ],
  [
    'none without a quorum',
    (s) => {
      s.dead('a', 0);
      s.dead('b', 0);
    },
    '',
  ],
  ['none where another voter is lost alone', (s) => s.dead('b', 0), ''],
];

describe('failover', () => {
  it.each(failovers)('%s', (_name, change, reason) => {
    const scene = new Scene(change);
    const { orders } = planFailovers(scene.view(), scene.memory());
    expect(orders).toHaveLength(reason === '' ? 0 : 1);
    if (reason !== '') expect(orders[0]?.reason).toContain(reason);
  });

  it('reports what has no quorum', () => {
    const scene = new Scene((s) => {
      s.dead('a', 0);
      s.wiped('c');
    });
    expect([...planFailovers(scene.view(), scene.memory()).withoutQuorum.keys()]).toEqual([0]);
  });

  it('leaves a primary out that is cut off', () => {
    const scene = new Scene((s) => s.cut('a', 'b', 'c'));
    const [order] = planFailovers(scene.view(), scene.memory()).orders;
    expect([...(order?.leftOut ?? [])]).toEqual(['a']);
  });

  it('prefers the restarted primary itself, and never one whose disk is full', () => {
    const restarted = new Scene((s) => (s.facts('a').bootCount = 2));
    expect(planFailovers(restarted.view(), restarted.memory()).orders[0]?.preferred[0]).toBe('a');
    const full = new Scene((s) => {
      s.dead('a', 0);
      s.facts('b').diskFull = true;
    });
    expect(planFailovers(full.view(), full.memory()).orders[0]?.preferred[0]).toBe('c');
  });
});

const replacements: [string, (scene: Scene) => void, string][] = [
  ['nothing while all is well', () => undefined, ''],
  ['nothing for a voter that is away for a moment', (s) => s.dead('c', 10_000), ''],
  [
    'another worker for one that stays away',
    (s) => {
      s.dead('c', 60_000);
      s.wished = { voters: ['a', 'b', 'd'], primary: 'a' };
    },
    'add d/sd',
  ],
  ['the worker itself, at once, if it lost its store', (s) => s.wiped('c'), 'add c/new-c'],
  [
    'who is wished in place of who is not',
    (s) => (s.wished = { voters: ['a', 'b', 'd'], primary: 'a' }),
    'add d/sd',
  ],
  [
    'not for balance while another controller is at work',
    (s) => {
      s.wished = { voters: ['a', 'b', 'd'], primary: 'a' };
      s.unsettled = true;
    },
    '',
  ],
  [
    'not for balance while a voter is away',
    (s) => {
      s.dead('b', 1_000);
      s.wished = { voters: ['a', 'b', 'd'], primary: 'a' };
    },
    '',
  ],
  [
    'nobody whose disk is full',
    (s) => {
      s.wished = { voters: ['a', 'b', 'd'], primary: 'a' };
      s.facts('d').diskFull = true;
    },
    '',
  ],
  [
    'not before a learner is level',
    (s) => {
      s.wiped('c');
      s.learner('c', 'new-c', false);
    },
    '',
  ],
  [
    'the vote for a learner that is level',
    (s) => {
      s.wiped('c');
      s.learner('c', 'new-c', true);
    },
    'replace c/sc c/new-c',
  ],
  [
    'the vote of the one that is not wished',
    (s) => {
      s.wished = { voters: ['a', 'b', 'd'], primary: 'a' };
      s.learner('d', 'sd', true);
    },
    'replace c/sc d/sd',
  ],
  [
    'no vote, which would go unheld, before other voters were heard of at all',
    (s) => {
      s.wished = { voters: ['a', 'b', 'd'], primary: 'a' };
      s.learner('d', 'sd', true);
      for (const id of ['b', 'c']) s.facts(id).liveness = 'unknown';
    },
    '',
  ],
  ['a learner that nobody needs is dropped', (s) => s.learner('d', 'sd', true), 'drop d/sd'],
  ['a learner with another store is dropped', (s) => s.learner('d', 'older', true), 'drop d/older'],
  [
    'a learner that is away is dropped',
    (s) => {
      s.wished = { voters: ['a', 'b', 'd'], primary: 'a' };
      s.learner('d', 'sd', false);
      s.dead('d', 6_000);
    },
    'drop d/sd',
  ],
  [
    'a lost voter goes without another where there are more than wished',
    (s) => {
      s.partition.voters.push({ id: 'd', storeId: 'sd' });
      s.wiped('c');
    },
    'replace c/sc -',
  ],
  [
    'nothing while the primary does not serve',
    (s) => {
      s.wiped('c');
      s.facts('a').replicas.set(0, report(false));
    },
    '',
  ],
];

describe('replacement', () => {
  it.each(replacements)('%s', (_name, change, expected) => {
    const { changes, orders } = planReplacements(new Scene(change).view(), () => false, 0);
    const text = [
      ...changes.map(({ action, learner }) => `${action} ${learner.id}/${learner.storeId}`),
      ...orders.map(({ replacement }) => {
        const name = (who: { id: string; storeId: string } | null | undefined) =>
          who ? `${who.id}/${who.storeId}` : '-';
        return `replace ${name(replacement?.leaving)} ${name(replacement?.joining)}`;
      }),
    ];
    expect(text.join('; ')).toBe(expected);
  });

  it('adds no more learners than may be copied at once', () => {
    const scene = new Scene((s) => s.wiped('c'));
    expect(planReplacements(scene.view(), () => false, defaultLimits.copiesMax).changes).toEqual([]);
  });
});

const handovers: [string, (scene: Scene) => void, string][] = [
  ['nothing while all is well', () => undefined, ''],
  ['a worker that stops', (s) => (s.facts('a').leaving = true), 'b'],
  ['a full disk', (s) => (s.facts('a').diskFull = true), 'b'],
  [
    'not a disk that is full since just now: others may be about to say so',
    (s) => {
      Object.assign(s.facts('a'), { diskFull: true, diskFullSince: s.view().now - 500 });
    },
    '',
  ],
  ['a worker that nobody wants', (s) => (s.facts('a').expected = null), 'b'],
  ['an even spread', (s) => (s.wished = { voters: ['a', 'b', 'c'], primary: 'c' }), 'c'],
  [
    'no even spread while another controller is at work',
    (s) => {
      s.wished = { voters: ['a', 'b', 'c'], primary: 'c' };
      s.unsettled = true;
    },
    '',
  ],
  [
    'no even spread while a voter is away',
    (s) => {
      s.wished = { voters: ['a', 'b', 'c'], primary: 'c' };
      s.dead('b', 0);
    },
    '',
  ],
  [
    'not to one that stops too',
    (s) => {
      s.facts('a').leaving = true;
      s.facts('b').leaving = true;
    },
    'c',
  ],
  [
    'not to one that is not level',
    (s) => {
      s.facts('a').leaving = true;
      const levels = report(true).levels.map((level) => ({ ...level, level: level.id === 'c' }));
      s.facts('a').replicas.set(0, { ...report(true), levels });
    },
    'c',
  ],
  [
    'a primary with a damaged table',
    (s) => s.facts('a').replicas.set(0, { ...report(true), damaged: true }),
    'b',
  ],
  [
    'a primary that is to give the partition up, when it is the last to',
    (s) => (s.wished = { voters: ['b', 'c', 'd'], primary: 'b' }),
    'b',
  ],
  [
    'not before another that is to give it up has done so',
    (s) => (s.wished = { voters: ['c', 'd', 'e'], primary: 'd' }),
    '',
  ],
];

describe('handover', () => {
  it.each(handovers)('%s', (_name, change, target) => {
    const orders = planHandovers(new Scene(change).view(), () => false);
    expect(orders.map((order) => order.preferred[0]).join()).toBe(target);
    for (const order of orders) expect(order.holdFor?.id).toBe(target);
  });
});
