/**
 * Logs: a constant message and the data in fields, one JSON object per line for machines, or readable lines
 * for a person at a terminal.
 */
import { pino } from 'pino';

export type Fields = Record<string, unknown>;

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

/** Lines by level, shown or not. */
export type LogCounts = Record<'debug' | 'info' | 'warn' | 'error', number>;

export function newLogCounts(): LogCounts {
  return { debug: 0, info: 0, warn: 0, error: 0 };
}

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A logger that adds these fields to every line. */
  with(fields: Fields): Logger;
}

export interface LoggerOptions {
  level: LogLevel;
  format: LogFormat;
  /** On every line: which program and which worker this is. */
  fields: Fields;
  /** Where lines go; standard output if it is left out. */
  write?: (line: string) => void;
  /** Counted into. */
  counts?: LogCounts;
}

export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? standardOutput();
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY);
  const destination = { write: pretty ? prettyWriter(write) : write };
  const settings = {
    level: options.level,
    base: options.fields,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(pino(settings, destination), options.counts ?? newLogCounts());
}

function wrap(inner: pino.Logger, counts: LogCounts): Logger {
  const at = (level: keyof LogCounts) => (message: string, fields?: Fields) => {
    counts[level] += 1;
    inner[level](fields ?? {}, message);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => wrap(inner.child(fields), counts),
  };
}

/**
 * Written at once, so that the line that explains an exit is not lost; a log that cannot be written stops
 * nobody.
 */
function standardOutput(): (line: string) => void {
  const destination = pino.destination({ fd: 1, sync: true });
  destination.on('error', () => undefined);
  return (line) => {
    try {
      destination.write(line);
    } catch {
      // A full disk or a reader that went away: there is nowhere left to say so.
    }
  };
}

/** `21:03:44.120 info  worker-1 ring adopted version=12 epoch=40` */
function prettyWriter(write: (line: string) => void): (line: string) => void {
  return (line) => {
    const { time, level, msg, name, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const data = Object.entries(fields).map(([key, value]) => ` ${key}=${prettyValue(value)}`);
    const head = `${String(time).slice(11, 23)} ${String(level).padEnd(5)}`;
    write(`${head} ${name === undefined ? '' : `${prettyValue(name)} `}${String(msg)}${data.join('')}\n`);
  };
}

function prettyValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}
