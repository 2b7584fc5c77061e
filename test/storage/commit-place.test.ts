import { describe, expect, it } from '@jest/globals';
import { CommitPlace } from '../../node/storage/commit-place.js';

function take(place: CommitPlace, count: number, msOf: (index: number) => number): void {
  for (let index = 0; index < count; index += 1) place.took(msOf(index));
}

describe('CommitPlace', () => {
  it('takes a disk for slow until it is known, and for quick when it was', () => {
    const place = new CommitPlace();
    expect(place.isHere(1)).toBe(false);
    take(place, 31, () => 0.2);
    expect(place.isHere(1)).toBe(false);
    place.took(0.2);
    expect(place.isHere(1)).toBe(true);
  });

  it('leaves the commits of a slow disk to the thread', () => {
    const place = new CommitPlace();
    take(place, 1_000, (index) => 2 + (index % 5));
    expect(place.isHere(1)).toBe(false);
  });

  it('does not take waits for a core for the disk', () => {
    const place = new CommitPlace();
    take(place, 320, (index) => (index % 3 === 0 ? 0.4 : 6));
    expect(place.isHere(1)).toBe(true);
  });

  it('changes its mind only for a clear difference', () => {
    const place = new CommitPlace();
    take(place, 64, () => 1.2);
    expect(place.isHere(1)).toBe(false);
    take(place, 64, () => 0.3);
    take(place, 64, () => 1.2);
    expect(place.isHere(1)).toBe(true);
    take(place, 64, () => 1.8);
    expect(place.isHere(1)).toBe(false);
    take(place, 64, () => 0.3);
    expect(place.isHere(1)).toBe(true);
  });

  it('leaves a disk that stalls to the thread at once, and for a long while', () => {
    const place = new CommitPlace();
    take(place, 40, () => 0.2);
    place.took(700);
    expect(place.isHere(1)).toBe(false);
    take(place, 4_000, () => 0.2);
    expect(place.isHere(1)).toBe(false);
    take(place, 200, () => 0.2);
    expect(place.isHere(1)).toBe(true);
  });

  it('leaves large batches to the thread', () => {
    const place = new CommitPlace();
    take(place, 32, () => 0.2);
    expect(place.isHere(127)).toBe(true);
    expect(place.isHere(128)).toBe(false);
  });
});
