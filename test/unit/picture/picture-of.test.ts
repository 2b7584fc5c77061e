/** The picture of one partition in the states that a person has to tell apart. */
import { describe, expect, it } from '@jest/globals';
import { pictureOf } from '../../../core/control/picture-of.js';
import type { ControlPicture } from '../../../core/control/picture-of.js';
import type { Sight } from '../../../core/control/sight.js';
import { defaultLimits } from '../../../core/limits.js';
import { parsePartition } from '../../../core/picture/partition-text.js';
import { Scene } from '../control/planner-scene.js';

const shape = { clusterId: 'cluster', partitionCount: 1, replicationFactor: 3 };

function sightOf(scene: Scene, change: Partial<Sight> = {}): Sight {
  const view = scene.view();
  const { now, record, workers } = view;
  return { now, shape, record, view, workers, halted: '', awaited: '', batches: [], ...change };
}

function seen(change?: (scene: Scene) => void): ControlPicture {
  return pictureOf(sightOf(new Scene(change)));
}

function stateOf(picture: ControlPicture): string {
  return parsePartition(picture.partitions[0] ?? '').state;
}

describe('the picture of a partition', () => {
  it('is full where all is well', () => {
    const picture = seen();
    expect(parsePartition(picture.partitions[0] ?? '')).toEqual({
      ...{ state: 'full', moving: false, epoch: 5, primary: 0, voters: [0, 1, 2], learners: [] },
    });
    expect(picture.head).toMatchObject({
      condition: 'healthy',
      phase: 'fully replicated',
      awaited: 'nothing',
    });
    expect(picture.works).toEqual([]);
    expect(picture.ages).toEqual([0, 0, 0, 0]);
  });

  it('is leaderless from the loss of its primary to the end of the failover', () => {
    const picture = seen((scene) => scene.dead('a', 1_000));
    expect(stateOf(picture)).toBe('leaderless');
    expect(picture.head).toMatchObject({ condition: 'unavailable', phase: 'failing over 1 partition' });
    expect(picture.workers.map(({ state }) => state)).toEqual(['lost', 'ready', 'ready', 'ready']);
  });

  it('is under-replicated without a backup, which is replaced after a while', () => {
    const picture = seen((scene) => scene.dead('b', 10_000));
    expect(stateOf(picture)).toBe('under');
    expect(picture.head.condition).toBe('repairing');
    const remainingMs = defaultLimits.replacementDelayMs - 10_000;
    expect(picture.works).toMatchObject([
      { kind: 'absence', worker: 'b', partitions: 1, elapsedMs: 10_000, remainingMs },
    ]);
  });

  it('says when nobody could take the place of a lost worker', () => {
    const picture = seen((scene) => {
      scene.dead('b', 10_000);
      scene.dead('d', 10_000);
    });
    expect(picture.works).toMatchObject([{ kind: 'absence', worker: 'b', remainingMs: null }]);
  });

  it('is without quorum when most of its voters are gone', () => {
    const picture = seen((scene) => {
      scene.dead('a', 1);
      scene.dead('b', 1);
    });
    expect(stateOf(picture)).toBe('noQuorum');
    expect(picture.head).toMatchObject({ condition: 'unavailable', phase: '1 partitions without quorum' });
  });

  it('raises no alarm while the workers have not reported to a new controller yet', () => {
    const picture = seen((scene) => {
      for (const facts of scene.workers.all()) Object.assign(facts, { liveness: 'unknown', storeId: '' });
    });
    expect(stateOf(picture)).toBe('unheard');
    expect(picture.head).toMatchObject({ condition: 'starting', phase: 'listening' });
    expect(picture.ages).toEqual([null, null, null, null]);
    const partly = seen((scene) => {
      Object.assign(scene.facts('a'), { complete: false, replicas: new Map() });
    });
    expect(stateOf(partly)).toBe('unheard');
  });

  it('shows how far a copy has come, and who lags', () => {
    const picture = seen((scene) => {
      scene.learner('d', 'sd', false);
      const levels = scene.facts('a').replicas.get(0)?.levels ?? [];
      for (const entry of levels) entry.lag = entry.id === 'd' ? 400 : 2;
    });
    expect(parsePartition(picture.partitions[0] ?? '')).toMatchObject({ moving: true, learners: [3] });
    expect(picture.works).toMatchObject([
      { kind: 'copy', worker: 'd', partitions: 1, done: 0, lagEntries: 400 },
    ]);
    expect(picture.workers).toMatchObject([
      { id: 'a', primaries: 1, replicas: 1, lagEntries: 0 },
      { id: 'b', behind: 0, lagEntries: 2 },
      { id: 'c', behind: 0, lagEntries: 2 },
      { id: 'd', behind: 1, lagEntries: 400, replicas: 0, learners: 1 },
    ]);
  });
});

describe('the picture without a ring', () => {
  it('says what is awaited, or why nothing is done', () => {
    const scene = new Scene();
    const bare = { record: null, view: null };
    const waiting = pictureOf(sightOf(scene, { ...bare, awaited: 'a majority of the workers' }));
    expect(waiting.head).toMatchObject({ condition: 'starting', awaited: 'a majority of the workers' });
    expect(waiting.partitions).toEqual([]);
    expect(waiting.workers).toHaveLength(4);
    const stopped = pictureOf(sightOf(scene, { ...bare, halted: 'the document is older than the workers' }));
    expect(stopped.head).toMatchObject({ condition: 'stopped', phase: 'stopped' });
    expect(stopped.head.awaited).toBe('the document is older than the workers');
  });
});
