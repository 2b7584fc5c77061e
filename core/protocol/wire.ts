/**
 * Binary encoding from small codecs: each knows how to write a value and how to read one back with every
 * bound checked. All messages are described with these, so a frame either parses into the declared type or
 * throws `WireError`; nothing that arrives from outside can reach an assert.
 */

export class WireError extends Error {
  override readonly name = 'WireError';
}

export interface Codec<T> {
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

export type Decoded<C> = C extends Codec<infer T> ? T : never;

/** A growing buffer. `take` hands out what was written and starts anew. */
export class Writer {
  private bytes: Uint8Array;
  private view: DataView;
  at = 0;

  constructor(initialBytes = 4_096) {
    this.bytes = new Uint8Array(initialBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room and returns the view to write into; the caller moves `at`. */
  room(byteCount: number): DataView {
    if (this.at + byteCount > this.bytes.length) this.grow(byteCount);
    return this.view;
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** What was written: a view on memory that the writer goes on using. */
  get written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  /** A copy of what was written, which the writer does not touch again. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.at);
    this.at = 0;
    return taken;
  }

  private grow(byteCount: number): void {
    const next = new Uint8Array(Math.max(this.bytes.length * 2, this.at + byteCount));
    next.set(this.bytes.subarray(0, this.at));
    this.bytes = next;
    this.view = new DataView(next.buffer);
  }
}

export class Reader {
  readonly view: DataView;
  at = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** The position of the next `byteCount` bytes, which are consumed. */
  skip(byteCount: number): number {
    const start = this.at;
    if (byteCount > this.bytes.length - start) throw new WireError(`ends ${byteCount} bytes short`);
    this.at = start + byteCount;
    return start;
  }

  /** A view on the next `byteCount` bytes: shares memory with the input. */
  raw(byteCount: number): Uint8Array {
    const start = this.skip(byteCount);
    return this.bytes.subarray(start, start + byteCount);
  }
}

/*
 * Texts of errors are put together apart from where they are thrown: the compiler may prepare what two
 * branches have in common before it knows whether either is taken.
 */

function isNoSuch(value: number, what: string): WireError {
  return new WireError(`${value} is not a ${what}`);
}

function isTooMuch(count: number, what: string, countMax: number): WireError {
  return new WireError(`${count} ${what} are over ${countMax}`);
}

const numberMax = { 1: 0xff, 2: 0xffff, 4: 0xffffffff } as const;

function unsigned(width: 1 | 2 | 4): Codec<number> {
  const max = numberMax[width];
  return {
    write(writer, value) {
      if (!Number.isInteger(value) || value < 0 || value > max) throw isNoSuch(value, `u${width * 8}`);
      const view = writer.room(width);
      if (width === 1) view.setUint8(writer.at, value);
      else if (width === 2) view.setUint16(writer.at, value);
      else view.setUint32(writer.at, value);
      writer.at += width;
    },
    read(reader) {
      const at = reader.skip(width);
      if (width === 1) return reader.view.getUint8(at);
      return width === 2 ? reader.view.getUint16(at) : reader.view.getUint32(at);
    },
  };
}

export const u8 = unsigned(1);
export const u16 = unsigned(2);
export const u32 = unsigned(4);

function float64(isValid: (value: number) => boolean, name: string): Codec<number> {
  return {
    write(writer, value) {
      if (!isValid(value)) throw isNoSuch(value, name);
      writer.room(8).setFloat64(writer.at, value);
      writer.at += 8;
    },
    read(reader) {
      const value = reader.view.getFloat64(reader.skip(8));
      if (!isValid(value)) throw isNoSuch(value, name);
      return value;
    },
  };
}

/*
 * The same fields for codecs that are written out by hand: each throws WireError as the codec of its name
 * does.
 */

export function putPartition(view: DataView, at: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > numberMax[2]) throw isNoSuch(value, 'u16');
  view.setUint16(at, value);
}

export function putCount(view: DataView, at: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > numberMax[4]) throw isNoSuch(value, 'u32');
  view.setUint32(at, value);
}

export function putPosition(view: DataView, at: number, value: number): void {
  if (!isPosition(value)) throw isNoSuch(value, 'position');
  view.setFloat64(at, value);
}

export function getPosition(view: DataView, at: number): number {
  const value = view.getFloat64(at);
  if (!isPosition(value)) throw isNoSuch(value, 'position');
  return value;
}

export function putTime(view: DataView, at: number, value: number): void {
  if (!Number.isFinite(value)) throw isNoSuch(value, 'time');
  view.setFloat64(at, value);
}

export function getTime(view: DataView, at: number): number {
  const value = view.getFloat64(at);
  if (!Number.isFinite(value)) throw isNoSuch(value, 'time');
  return value;
}

export function getBoolean(view: DataView, at: number): boolean {
  const value = view.getUint8(at);
  if (value > 1) throw isNoSuch(value, 'boolean');
  return value === 1;
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** A whole number from 0 to 2^53-1: epochs, positions, versions, counts. */
export const position = float64(isPosition, 'position');
/** Milliseconds with a fraction, of some clock. */
export const time = float64((value) => Number.isFinite(value), 'time');

export const boolean: Codec<boolean> = {
  write: (writer, value) => u8.write(writer, value ? 1 : 0),
  read(reader) {
    const value = u8.read(reader);
    if (value > 1) throw isNoSuch(value, 'boolean');
    return value === 1;
  },
};

/** Text of code points 32 to 126, for identifiers and content types. */
export function ascii(lengthMax: number): Codec<string> {
  return {
    write(writer, value) {
      if (value.length > lengthMax)
        throw new WireError(`text of ${value.length} characters is over ${lengthMax}`);
      u16.write(writer, value.length);
      const view = writer.room(value.length);
      for (let index = 0; index < value.length; index += 1) {
        const code = value.charCodeAt(index);
        if (code < 32 || code > 126) throw new WireError(`code ${code} is not printable ASCII`);
        view.setUint8(writer.at + index, code);
      }
      writer.at += value.length;
    },
    read(reader) {
      const length = u16.read(reader);
      if (length > lengthMax) throw new WireError(`text of ${length} characters is over ${lengthMax}`);
      const start = reader.skip(length);
      let text = '';
      for (let index = 0; index < length; index += 1) {
        const code = reader.view.getUint8(start + index);
        if (code < 32 || code > 126) throw new WireError(`code ${code} is not printable ASCII`);
        text += String.fromCharCode(code);
      }
      return text;
    },
  };
}

/** Bytes with their length before them; what is read shares memory with the frame. */
export function bytes(lengthMax: number): Codec<Uint8Array> {
  return {
    write(writer, value) {
      if (value.length > lengthMax) throw isTooMuch(value.length, 'bytes', lengthMax);
      u32.write(writer, value.length);
      writer.raw(value);
    },
    read(reader) {
      const length = u32.read(reader);
      if (length > lengthMax) throw isTooMuch(length, 'bytes', lengthMax);
      return reader.raw(length);
    },
  };
}

export function list<T>(item: Codec<T>, countMax: number): Codec<T[]> {
  return {
    write(writer, values) {
      if (values.length > countMax) throw isTooMuch(values.length, 'items', countMax);
      u32.write(writer, values.length);
      for (const value of values) item.write(writer, value);
    },
    read(reader) {
      const count = u32.read(reader);
      if (count > countMax || count > reader.left) throw new WireError(`${count} items are too many`);
      const values: T[] = [];
      for (let index = 0; index < count; index += 1) values.push(item.read(reader));
      return values;
    },
  };
}

export function optional<T>(item: Codec<T>): Codec<T | null> {
  return {
    write(writer, value) {
      boolean.write(writer, value !== null);
      if (value !== null) item.write(writer, value);
    },
    read: (reader) => (boolean.read(reader) ? item.read(reader) : null),
  };
}

/** One of a fixed set of words, as its index. New words go to the end. */
export function word<const W extends readonly string[]>(words: W): Codec<W[number]> {
  return {
    write(writer, value) {
      const index = words.indexOf(value);
      if (index < 0) throw new WireError(`unknown word ${value}`);
      u8.write(writer, index);
    },
    read(reader) {
      const value = words[u8.read(reader)];
      if (value === undefined) throw new WireError('unknown word');
      return value;
    },
  };
}

type StructOf<F> = { [K in keyof F]: Decoded<F[K]> };

/** An object: its fields in the order they are declared. */
export function struct<F extends Record<string, Codec<unknown>>>(fields: F): Codec<StructOf<F>> {
  const entries = Object.entries(fields) as [keyof F & string, Codec<unknown>][];
  return {
    write(writer, value) {
      for (const [name, codec] of entries) codec.write(writer, value[name]);
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(reader);
      return value as StructOf<F>;
    },
  };
}

type TaggedOf<V> = { [K in keyof V]: { type: K } & Decoded<V[K]> }[keyof V];

/** One of several structs, told apart by `type`. New kinds go to the end. */
export function tagged<V extends Record<string, Codec<object>>>(variants: V): Codec<TaggedOf<V>> {
  const names = Object.keys(variants);
  const codecs: Codec<object>[] = Object.values(variants);
  const codeOf = new Map(names.map((name, code) => [name, code]));
  return {
    write(writer, value) {
      const code = codeOf.get(value.type as string);
      const codec = code === undefined ? undefined : codecs[code];
      if (code === undefined || codec === undefined)
        throw new WireError(`unknown kind ${String(value.type)}`);
      u8.write(writer, code);
      codec.write(writer, value);
    },
    read(reader) {
      const code = u8.read(reader);
      const codec = codecs[code];
      if (codec === undefined) throw new WireError(`unknown kind ${code}`);
      const value = codec.read(reader) as { type?: string };
      value.type ??= names[code] ?? '';
      return value as TaggedOf<V>;
    },
  };
}

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.take();
}

/** Reads a whole value; bytes left over are an error. */
export function decode<T>(codec: Codec<T>, input: Uint8Array): T {
  const reader = new Reader(input);
  const value = codec.read(reader);
  if (reader.left > 0) throw new WireError(`${reader.left} bytes too many`);
  return value;
}
