import { describe, expect, it } from '@jest/globals';
import { CommitPlace } from '../../node/storage/commit-place.js';

/** A disk's commits, one every millisecond. */
class Commits {
  readonly place = new CommitPlace();
  now = 0;

  take(count: number, msOf: (index: number) => number): void {
    for (let index = 0; index < count; index += 1) {
      this.now += 1;
      this.place.took(msOf(index), this.now);
    }
  }

  get isHere(): boolean {
    return this.place.isHere(1, 300);
  }
}

describe('CommitPlace', () => {
  it('takes a disk for slow until it is known, and for quick when it was', () => {
    const commits = new Commits();
    expect(commits.isHere).toBe(false);
    commits.take(31, () => 0.2);
    expect(commits.isHere).toBe(false);
    commits.take(1, () => 0.2);
    expect(commits.isHere).toBe(true);
  });

  it('leaves the commits of a slow disk to the thread', () => {
    const commits = new Commits();
    commits.take(1_000, (index) => 2 + (index % 5));
    expect(commits.isHere).toBe(false);
  });

  it('does not take waits for a core for the disk', () => {
    const commits = new Commits();
    commits.take(320, (index) => (index % 3 === 0 ? 0.4 : 6));
    expect(commits.isHere).toBe(true);
  });

  it('does not take a disk for quick that seldom is', () => {
    const commits = new Commits();
    commits.take(320, (index) => (index % 3 === 0 ? 0.4 : 60));
    expect(commits.isHere).toBe(false);
    commits.take(320, (index) => (index % 5 === 0 ? 60 : 0.4));
    expect(commits.isHere).toBe(true);
  });

  it('changes its mind only for a clear difference', () => {
    const commits = new Commits();
    commits.take(64, () => 1.2);
    expect(commits.isHere).toBe(false);
    commits.take(64, () => 0.3);
    commits.take(64, () => 1.2);
    expect(commits.isHere).toBe(true);
    commits.take(64, () => 1.8);
    expect(commits.isHere).toBe(false);
    commits.take(64, () => 0.3);
    expect(commits.isHere).toBe(true);
  });

  it('leaves a disk that stalls to the thread at once, for a minute, then for two', () => {
    const commits = new Commits();
    commits.take(40, () => 0.2);
    commits.take(1, () => 700);
    expect(commits.isHere).toBe(false);
    // More stalls in that minute change nothing, since they have held up nobody.
    commits.take(59_000, (index) => (index % 10_000 === 0 ? 900 : 0.2));
    expect(commits.isHere).toBe(false);
    commits.take(1_100, () => 0.2);
    expect(commits.isHere).toBe(true);
    commits.take(1, () => 700);
    commits.take(119_000, () => 0.2);
    expect(commits.isHere).toBe(false);
    commits.take(1_100, () => 0.2);
    expect(commits.isHere).toBe(true);
  });

  it('leaves large batches to the thread', () => {
    const commits = new Commits();
    const { place } = commits;
    commits.take(32, () => 0.2);
    expect(place.isHere(127, 200_000)).toBe(true);
    expect(place.isHere(128, 200_000)).toBe(false);
    expect(place.isHere(1, 300_000)).toBe(false);
  });
});
