/**
 * Seeded randomness (sfc32): the only source of chance in a simulation, so that a seed names a run exactly.
 * `fork` gives a part of the simulation a stream of its own: what one part draws then does not shift what
 * another one sees.
 */

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

function splitmix(state: number): () => number {
  let at = state;
  return () => {
    at = (at + 0x9e3779b9) | 0;
    let mixed = Math.imul(at ^ (at >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(
    private readonly seed: number,
    label = '',
  ) {
    const mix = splitmix((seed ^ hashText(label)) >>> 0);
    this.a = mix();
    this.b = mix();
    this.c = mix();
    for (let round = 0; round < 12; round += 1) this.bits();
  }

  /** 32 random bits. */
  bits(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** From 0 up to, but without, 1. */
  next(): number {
    return this.bits() / 0x1_0000_0000;
  }

  /** From `min` up to `max`. */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.next() * list.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let index = result.length - 1; index > 0; index -= 1) {
      const other = Math.floor(this.next() * (index + 1));
      const kept = result[index] as T;
      result[index] = result[other] as T;
      result[other] = kept;
    }
    return result;
  }

  /** Hexadecimal digits. */
  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.bits().toString(16).padStart(8, '0');
    return text.slice(0, digits);
  }

  fork(label: string): Random {
    return new Random(this.seed, `${this.bits()} ${label}`);
  }
}
