/**
 * Numbers in bytes, big-endian, for byte strings that are looked at once: a DataView for each costs more than
 * what is read through it. Whoever asks has checked the length; beyond it there are zeros.
 */

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);
/** Of the float's most significant byte, and the way to the next one. */
const [top, step] =
  new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? ([7, -1] as const) : ([0, 1] as const);

export function getUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function getUint32(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

export function setUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function getFloat64(bytes: Uint8Array, at: number): number {
  for (let index = 0, to = top; index < 8; index += 1, to += step) floatBytes[to] = bytes[at + index] ?? 0;
  return float[0] ?? 0;
}

/** A whole number that is kept as a float. */
export function getWhole(bytes: Uint8Array, at: number): number {
  return asWhole(getFloat64(bytes, at));
}

/**
 * The same number, held as V8 holds small whole ones: in the field itself. What comes out of an array of
 * floats is an object of its own, and so is what is reckoned from it; the first of them that is put into a
 * field makes all fields of that name places for such objects, and all code that knew them is compiled anew.
 */
export function asWhole(value: number): number {
  const whole = value | 0;
  return whole === value ? whole : value;
}

export function setFloat64(bytes: Uint8Array, at: number, value: number): void {
  float[0] = value;
  for (let index = 0, from = top; index < 8; index += 1, from += step)
    bytes[at + index] = floatBytes[from] ?? 0;
}
