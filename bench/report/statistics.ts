/** The few statistics that a comparison in rounds needs. */

/** The middle, and how far single rounds lie from it. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** At least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, least: at(0), most: at(sorted.length - 1) };
}

/** Round by round, since the machine's mood is shared within a round and not between rounds. */
export function ratioOf(own: readonly number[], other: readonly number[]): Spread {
  const rounds = Math.min(own.length, other.length);
  return spreadOf(Array.from({ length: rounds }, (_, round) => (own[round] ?? NaN) / (other[round] ?? NaN)));
}
