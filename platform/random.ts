/** Randomness for identities and for spreading out retries. */
import { randomBytes } from 'node:crypto';

const idBytes = 16;

/** 128 random bits, hexadecimal: for clusters, stores and runs of a process. */
export function randomId(): string {
  return randomBytes(idBytes).toString('hex');
}

/** `base` plus or minus up to `spread` of it (0 to 1), so that many do not retry in step. */
export function jittered(base: number, spread: number): number {
  return base * (1 + (Math.random() * 2 - 1) * spread);
}
