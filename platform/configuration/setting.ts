/**
 * One setting of a program: how its text is read, what it is when nobody says, and the sentence that `--help`
 * shows. The same text is accepted on the command line, in the environment and in the file.
 */

/** What is wrong with a value, as the end of a sentence that begins with the setting's name. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

export interface Setting<T> {
  /** Shown by --help. */
  description: string;
  /** Shown by --help for the value; '' for a switch that takes none. */
  placeholder: string;
  /** Heading that --help shows it under. */
  group: string;
  /** As the text that would give it; null if there is no default. */
  defaultText: string | null;
  /** Throws SettingError. */
  parse: (text: string) => T;
  /** The value if nobody gives one. */
  defaultValue: T;
}

export type Settings = Record<string, Setting<unknown>>;
export type Values<S extends Settings> = { [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

export interface Range {
  min: number;
  max: number;
}

const unbounded: Range = { min: 0, max: Number.MAX_SAFE_INTEGER };

function within(value: number, range: Range, text: string): number {
  if (!Number.isSafeInteger(value)) throw new SettingError(`must be a whole number, not '${text}'`);
  if (value >= range.min && value <= range.max) return value;
  const most = range.max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${range.max}`;
  throw new SettingError(`must be at least ${range.min}${most}, not '${text}'`);
}

export function parseInteger(text: string, range: Range = unbounded): number {
  if (!/^\d{1,16}$/.test(text.trim())) throw new SettingError(`must be a whole number, not '${text}'`);
  return within(Number(text), range, text);
}

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds from '500ms', '1.5s', '2m', '1h' or a plain number of milliseconds. */
export function parseDurationMs(text: string, range: Range = unbounded): number {
  const parts = /^(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|m|h)?$/.exec(text.trim());
  const unit = (parts?.[2] ?? 'ms') as keyof typeof durationUnits;
  if (parts === null)
    throw new SettingError(`must be a time such as 500ms, 10s, 2m or a number of ms, not '${text}'`);
  return within(Math.round(Number(parts[1]) * durationUnits[unit]), range, text);
}

const byteUnits = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** Bytes from '64KiB', '8MiB', '1GiB' or a plain number of bytes. */
export function parseBytes(text: string, range: Range = unbounded): number {
  const parts = /^(\d{1,16})\s*(B|KiB|MiB|GiB)?$/.exec(text.trim());
  const unit = (parts?.[2] ?? 'B') as keyof typeof byteUnits;
  if (parts === null)
    throw new SettingError(`must be a size such as 64KiB, 8MiB or a number of bytes, not '${text}'`);
  return within(Number(parts[1]) * byteUnits[unit], range, text);
}

interface Basics {
  description: string;
  group?: string;
}

function basics({ description, group }: Basics) {
  return { description, group: group ?? 'Options:' };
}

export function integer(options: Basics & { default: number; range?: Range }): Setting<number> {
  return {
    ...basics(options),
    placeholder: 'N',
    defaultText: String(options.default),
    defaultValue: options.default,
    parse: (text) => parseInteger(text, options.range),
  };
}

/** From 0 to 1. */
export function ratio(options: Basics & { default: number }): Setting<number> {
  return {
    ...basics(options),
    placeholder: 'RATIO',
    defaultText: String(options.default),
    defaultValue: options.default,
    parse(input) {
      if (/^(?:0(?:\.\d{1,9})?|1(?:\.0+)?)$/.test(input)) return Number(input);
      throw new SettingError(`must be a number from 0 to 1, such as 0.01, not '${input}'`);
    },
  };
}

/** In milliseconds; its name ends in Ms. */
export function duration(options: Basics & { defaultMs: number; range?: Range }): Setting<number> {
  return {
    ...basics(options),
    placeholder: 'TIME',
    defaultText: durationText(options.defaultMs),
    defaultValue: options.defaultMs,
    parse: (text) => parseDurationMs(text, options.range),
  };
}

export function durationText(valueMs: number): string {
  return valueMs >= 1_000 && valueMs % 1_000 === 0 ? `${valueMs / 1_000}s` : `${valueMs}ms`;
}

/** In bytes. */
export function byteSize(options: Basics & { default: number; range?: Range }): Setting<number> {
  const { default: value } = options;
  return {
    ...basics(options),
    placeholder: 'SIZE',
    defaultText: value > 0 && value % 1024 ** 2 === 0 ? `${value / 1024 ** 2}MiB` : String(value),
    defaultValue: value,
    parse: (text) => parseBytes(text, options.range),
  };
}

/** Free text; `default: null` makes it a setting that may be left out. */
export function text<D extends string | null>(
  options: Basics & { default: D; placeholder: string; pattern?: RegExp; expected?: string },
): Setting<D | string> {
  return {
    ...basics(options),
    placeholder: options.placeholder,
    defaultText: options.default,
    defaultValue: options.default,
    parse(input) {
      if (input === '') throw new SettingError('must not be empty');
      if (options.pattern === undefined || options.pattern.test(input)) return input;
      throw new SettingError(`must be ${options.expected ?? 'of another form'}, not '${input}'`);
    },
  };
}

export function choice<const C extends string>(
  options: Basics & { default: C; choices: readonly C[] },
): Setting<C> {
  return {
    ...basics(options),
    placeholder: options.choices.join('|'),
    defaultText: options.default,
    defaultValue: options.default,
    parse(input) {
      const chosen = options.choices.find((candidate) => candidate === input);
      if (chosen !== undefined) return chosen;
      throw new SettingError(`must be one of ${options.choices.join(', ')}, not '${input}'`);
    },
  };
}

/** `--name` and `--no-name` on the command line; true or false elsewhere. */
export function flag(options: Basics & { default: boolean }): Setting<boolean> {
  return {
    ...basics(options),
    placeholder: '',
    defaultText: String(options.default),
    defaultValue: options.default,
    parse(input) {
      if (input === 'true' || input === '1') return true;
      if (input === 'false' || input === '0') return false;
      throw new SettingError(`must be true or false, not '${input}'`);
    },
  };
}

/** Items separated by commas; a list in the file. */
export function listOf<T>(
  options: Basics & { placeholder: string; parseItem: (text: string) => T },
): Setting<T[]> {
  return {
    ...basics(options),
    placeholder: options.placeholder,
    defaultText: null,
    defaultValue: [],
    parse: (input) => (input === '' ? [] : input.split(',').map((item) => options.parseItem(item.trim()))),
  };
}
