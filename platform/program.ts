/**
 * What every program does the same at its start and its unplanned end: settings read or a clear refusal, a
 * line for the log when something is broken, and the exit codes.
 *
 *   0  told to stop, and stopped in order        1  cannot go on (a broken invariant, a failed disk): be
 *   restarted 2  started with settings it cannot use
 */
import { readFileSync } from 'node:fs';
import { AssertionError } from '../core/assert.js';
import { configurationExitCode, readConfiguration } from './configuration/configuration.js';
import type { ProgramDescription } from './configuration/command-line.js';
import type { Settings, Values } from './configuration/setting.js';
import type { Logger } from './logger.js';

export const failureExitCode = 1;

export interface StartedWith<S extends Settings> {
  values: Values<S>;
  /** Texts of the settings that somebody gave. */
  given: ReadonlyMap<string, string>;
  warnings: string[];
}

/**
 * Reads this process's settings. Ends the process on --help, and with code 2 and all reasons if they cannot
 * be used.
 */
export function readSettings<S extends Settings>(
  program: ProgramDescription,
  settings: S,
  /** What does not fit together, in sentences. */
  check: (values: Values<S>) => string[],
): StartedWith<S> {
  const configuration = readConfiguration(program, settings, {
    commandArguments: process.argv.slice(2),
    environment: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  if (configuration.type === 'help') {
    process.stdout.write(configuration.text);
    process.exit(0);
  }
  if (configuration.type === 'wrong') refuse(program.name, configuration.problems);
  const problems = check(configuration.values);
  if (problems.length > 0) refuse(program.name, problems);
  return configuration;
}

/** Ends the process with code 2: it was started in a way that it cannot serve. */
export function refuse(programName: string, problems: readonly string[]): never {
  for (const problem of problems) process.stderr.write(`${programName}: ${problem}\n`);
  process.stderr.write(`${programName}: --help lists all settings\n`);
  process.exit(configurationExitCode);
}

/** Whatever is thrown and caught nowhere ends the process: its state cannot be trusted any more. */
export function endOnFailure(logger: Logger): void {
  const end = (error: unknown) => {
    logger.error('the process fails', describeFailure(error));
    process.exit(failureExitCode);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

export function describeFailure(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { reason: String(error) };
  const details = error instanceof AssertionError ? { details: error.details } : {};
  return { reason: error.message, kind: error.name, stack: error.stack, ...details };
}

/** Calls `stop` when a person, a service or a launcher that is gone wants this process to end. */
export function stopOnSignals(stop: (reason: string, launcherGone: boolean) => void): void {
  process.on('SIGTERM', () => stop('SIGTERM', false));
  // A terminal sends this to the launcher and to its children alike; the launcher then stops its children in
  // its own order.
  process.on('SIGINT', () => {
    if (!process.connected) stop('SIGINT', false);
  });
  if (process.connected) process.on('disconnect', () => stop('the launcher is gone', true));
}
