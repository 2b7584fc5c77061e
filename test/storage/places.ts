/** Where the log's batches are written, for tests that have to see both. */
import type { OpenStoreOptions } from '../../node/storage/open-store.js';

export type Place = NonNullable<OpenStoreOptions['place']>;

/** A few here, a few on the thread. */
export function alternatePlaces(): Place {
  let asked = 0;
  let here = false;
  return {
    isHere: () => here,
    took: () => {
      asked += 1;
      if (asked % 3 === 0) here = !here;
    },
  };
}

export function always(here: boolean): Place {
  return { isHere: () => here, took: () => undefined };
}

export const places: [string, () => Place][] = [
  ['on the thread that asks', () => always(true)],
  ['on a thread of its own', () => always(false)],
  ['now here, now there', alternatePlaces],
];
