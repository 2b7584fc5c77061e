/** The feed with time by hand: pictures only while somebody looks, changes that can be continued, bounds. */
import { describe, expect, it } from '@jest/globals';
import type { Sight } from '../../../core/control/sight.js';
import { bucketOf, slotAt, slotMs } from '../../../core/picture/latency-history.js';
import type { ClusterPicture } from '../../../core/picture/cluster-picture.js';
import { applied } from '../../../core/picture/picture-change.js';
import type { PictureChange } from '../../../core/picture/picture-change.js';
import { EventLog } from '../../../operator/events/event-log.js';
import { PictureFeed } from '../../../operator/page/picture-feed.js';
import { parseActivity, WorkerActivities } from '../../../operator/page/worker-activities.js';
import { Scene } from '../control/planner-scene.js';
import { ManualTimers } from '../../support/manual-timers.js';

function setUp() {
  const timers = new ManualTimers();
  const scene = new Scene();
  const log = new EventLog(
    () => timers.wall(),
    () => feed.hurry(),
  );
  const looks = { count: 0, blind: false, active: 'me' };
  const sight = (): Sight | null => {
    looks.count += 1;
    if (looks.blind) return null;
    const view = scene.view();
    const shape = { clusterId: 'cluster', partitionCount: 1, replicationFactor: 3 };
    const { now, record, workers } = view;
    return { now, shape, record, view, workers, halted: '', awaited: '', batches: [] };
  };
  const source = {
    controller: 'me',
    suspicionMs: 1_500,
    sight,
    active: () => looks.active,
    events: () => log.all(),
  };
  const activities = new WorkerActivities(() => Promise.reject(new Error('nobody')), timers);
  const feed: PictureFeed = new PictureFeed({ streamId: 'stream', source, activities, timers });
  const picture = () => JSON.parse(feed.state()) as ClusterPicture;
  return { timers, scene, log, looks, feed, picture };
}

describe('the feed of pictures', () => {
  it('makes none while nobody looks, and stops when nobody looks any more', () => {
    const { timers, looks, feed } = setUp();
    timers.advance(60_000);
    expect(looks.count).toBe(0);
    const end = feed.watch(() => undefined);
    timers.advance(2_000);
    expect(looks.count).toBeGreaterThan(4);
    end();
    timers.advance(20_000);
    const { count } = looks;
    expect(feed.isAwake).toBe(false);
    timers.advance(600_000);
    expect(looks.count).toBe(count);
    expect(timers.count).toBe(0);
  });

  it('leads a viewer from any picture it had to the newest', () => {
    const { timers, scene, log, feed, picture } = setUp();
    feed.watch(() => undefined);
    const first = feed.newest;
    const before = picture();
    scene.dead('a', 100);
    log.add('Warning', 'WorkerLost', 'a is lost');
    timers.advance(50);
    expect(picture().head.condition).toBe('unavailable');
    expect(picture().events.map(({ text }) => text)).toEqual(['a is lost']);
    scene.dead('b', 100);
    timers.advance(2_000);
    const changes = feed.changesAfter(first) ?? [];
    expect(changes.length).toBeGreaterThan(1);
    const rebuilt = changes.reduce(
      (known, { text }) => applied(known, JSON.parse(text) as PictureChange),
      before,
    );
    expect(rebuilt).toEqual({ ...picture(), at: rebuilt.at });
    expect(feed.changesAfter(feed.newest)).toEqual([]);
  });

  it('says something now and then even if nothing changes', () => {
    const { timers, looks, feed } = setUp();
    looks.blind = true;
    feed.watch(() => undefined);
    const first = feed.newest;
    timers.advance(21_000);
    const changes = feed.changesAfter(first) ?? [];
    expect(changes.length).toBeGreaterThanOrEqual(4);
    expect(changes.length).toBeLessThanOrEqual(6);
  });

  it('knows so many changes, none of another stream, and none from before it slept', () => {
    const { timers, feed, log } = setUp();
    const end = feed.watch(() => undefined);
    const first = feed.newest;
    for (let index = 0; index < 300; index += 1) {
      log.add('Normal', 'R', `event ${index}`);
      timers.advance(300);
    }
    expect(feed.changesAfter(first)).toBeNull();
    const recent = feed.newest;
    for (const id of ['', 'other-3', 'stream-', 'stream-x', 'stream-999999', 'stream--1']) {
      expect(feed.changesAfter(id)).toBeNull();
    }
    end();
    timers.advance(20_000);
    feed.watch(() => undefined);
    expect(feed.changesAfter(recent)).toBeNull();
  });

  it('shows who is active where another operator is, and what is awaited where nothing is there yet', () => {
    const { timers, looks, feed, picture } = setUp();
    looks.blind = true;
    looks.active = 'the other';
    feed.watch(() => undefined);
    expect(picture().head).toMatchObject({ condition: 'standby', active: 'the other', controller: 'me' });
    looks.active = 'me';
    timers.advance(300);
    expect(picture().head).toMatchObject({ condition: 'starting', awaited: 'the KvorumCluster object' });
    looks.blind = false;
    timers.advance(300);
    expect(picture().head).toMatchObject({ condition: 'healthy', active: 'me' });
  });
});

describe('what workers tell of the last minutes', () => {
  const answer = (run: string, slot: number, writes: number) => ({
    worker: 'a',
    run,
    slotMs,
    slots: [{ slot, failed: 1, counts: [[bucketOf(2), writes]] }],
    disk: { usedBytes: 10, freeBytes: 90 },
  });

  it('is added up over workers and runs, and stays when one is gone', async () => {
    const timers = new ManualTimers();
    const slot = slotAt(timers.wall());
    const answers = new Map<string, unknown>([
      ['http://a', answer('run-1', slot, 40)],
      ['http://b', answer('run-2', slot, 60)],
    ]);
    const asked: string[] = [];
    const activities = new WorkerActivities((url, since) => {
      asked.push(`${url} ${since}`);
      const told = answers.get(url);
      return told === undefined ? Promise.reject(new Error('gone')) : Promise.resolve(told);
    }, timers);
    const workers = [
      { id: 'a', url: 'http://a' },
      { id: 'b', url: 'http://b' },
      { id: 'c', url: 'http://c' },
      { id: 'd', url: '' },
    ];
    await activities.refresh(workers);
    expect(asked.sort()).toEqual(['http://a 0', 'http://b 0', 'http://c 0']);
    expect(activities.slots()).toMatchObject([{ slot, writes: 100, failed: 2 }]);
    expect(activities.disk('a')).toEqual({ used: 10, free: 90 });
    expect(activities.disk('c')).toBeNull();
    expect(activities.writesPerSecond('b')).toBeGreaterThan(0);
    answers.set('http://a', answer('run-3', slot, 5));
    answers.delete('http://b');
    timers.advance(15_000);
    await activities.refresh(workers);
    expect(asked).toContain(`http://a ${slot - 1}`);
    expect(activities.slots()).toMatchObject([{ slot, writes: 105 }]);
    expect(activities.disk('b')).toBeNull();
    timers.advance(3_600_000);
    await activities.refresh([]);
    expect(activities.slots()).toEqual([]);
  });

  it('is refused if it is not what a worker tells', () => {
    const good = answer('run', 7, 1);
    expect(parseActivity(good)).toMatchObject({ run: 'run', disk: { used: 10, free: 90 } });
    expect(parseActivity({ ...good, disk: null })).toMatchObject({ disk: null });
    const slots = (change: object) => ({ ...good, slots: [{ ...good.slots[0], ...change }] });
    const wrong: unknown[] = [
      null,
      'text',
      [],
      {},
      { ...good, run: 5 },
      { ...good, slotMs: 1 },
      { ...good, slots: {} },
      { ...good, slots: Array.from({ length: 1_000 }, () => good.slots[0]) },
      slots({ slot: -1 }),
      slots({ failed: 'many' }),
      slots({ counts: [[1_000, 1]] }),
      slots({ counts: [[1, 0.5]] }),
      slots({ counts: [7] }),
    ];
    for (const value of wrong) expect(parseActivity(value)).toBeNull();
  });
});
