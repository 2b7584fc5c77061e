/**
 * Reads a program's settings, in one order of precedence:
 *
 *   command line  >  KVORUM_… environment  >  file (--config)  >  defaults
 *
 * and says everything that is wrong at once, each with where it came from.
 */
import { parse as parseYaml } from 'yaml';
import { parseCommandLine } from './command-line.js';
import { environmentNames, environmentPrefix, fileNames, flagNames } from './setting-name.js';
import { SettingError } from './setting.js';
import type { ProgramDescription } from './command-line.js';
import type { Settings, Values } from './setting.js';

/** Exit code of a program that was started with settings it cannot use. */
export const configurationExitCode = 2;

export interface ConfigurationInput {
  commandArguments: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  /** Throws if there is no such file. */
  readFile: (path: string) => string;
}

export type Configuration<S extends Settings> =
  | {
      type: 'values';
      values: Values<S>;
      /** Keys whose value somebody gave, with its text. */
      given: ReadonlyMap<string, string>;
      warnings: string[];
    }
  | { type: 'help'; text: string }
  | { type: 'wrong'; problems: string[] };

interface Given {
  text: string;
  /** Where it stands, for messages. */
  origin: string;
}

interface Sources {
  given: Map<string, Given>;
  problems: string[];
  warnings: string[];
}

export function readConfiguration<S extends Settings>(
  program: ProgramDescription,
  settings: S,
  input: ConfigurationInput,
): Configuration<S> {
  const commandLine = parseCommandLine(program, settings, input.commandArguments);
  if (commandLine.type === 'help') return commandLine;
  if (commandLine.type === 'wrong') return { type: 'wrong', problems: [commandLine.problem] };
  const sources: Sources = { given: new Map(), problems: [], warnings: [] };
  // Later ones overwrite earlier ones.
  const configFile = commandLine.configFile ?? input.environment[`${environmentPrefix}CONFIG`] ?? '';
  if (configFile !== '') readFileInto(sources, settings, configFile, input.readFile);
  readEnvironmentInto(sources, settings, input.environment);
  for (const [key, text] of commandLine.texts) {
    sources.given.set(key, { text, origin: flagNames(key)[0] ?? key });
  }
  return judge(settings, sources);
}

function judge<S extends Settings>(settings: S, sources: Sources): Configuration<S> {
  const { given, problems, warnings } = sources;
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const found = given.get(key);
    try {
      values[key] = found === undefined ? setting.defaultValue : setting.parse(found.text);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      problems.push(`${found?.origin ?? key} ${error.message}`);
    }
  }
  if (problems.length > 0) return { type: 'wrong', problems };
  const texts = new Map([...given].map(([key, { text }]) => [key, text]));
  return { type: 'values', values: values as Values<S>, given: texts, warnings };
}

function readFileInto(
  sources: Sources,
  settings: Settings,
  path: string,
  readFile: (path: string) => string,
): void {
  let document: unknown;
  try {
    document = parseYaml(readFile(path));
  } catch (error) {
    sources.problems.push(`config file ${path} cannot be read: ${firstLine(error)}`);
    return;
  }
  if (document === null || document === undefined) return;
  if (typeof document !== 'object' || Array.isArray(document)) {
    sources.problems.push(`config file ${path} must hold names and values`);
    return;
  }
  const keyOf = new Map(Object.keys(settings).flatMap((key) => fileNames(key).map((name) => [name, key])));
  for (const [name, value] of Object.entries(document)) {
    const origin = `${path}: ${name}`;
    const key = keyOf.get(name);
    const text = textOf(value);
    if (key === undefined) sources.problems.push(`${origin} is not a setting of this program`);
    else if (text === null) sources.problems.push(`${origin} must be a plain value or a list of them`);
    else if (sources.given.has(key)) sources.problems.push(`${origin} stands there twice`);
    else sources.given.set(key, { text, origin });
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? message;
}

/** The text that a value of the file would be on the command line. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return null;
  const items = value.map((item) => (Array.isArray(item) ? null : textOf(item)));
  return items.includes(null) ? null : items.join(',');
}

function readEnvironmentInto(
  sources: Sources,
  settings: Settings,
  environment: ConfigurationInput['environment'],
): void {
  const known = new Set([`${environmentPrefix}CONFIG`]);
  for (const key of Object.keys(settings)) {
    const names = environmentNames(key);
    const set = names.filter((name) => environment[name] !== undefined);
    names.forEach((name) => known.add(name));
    if (set.length > 1) sources.problems.push(`${set.join(' and ')} are one setting: give it once`);
    const [origin] = set;
    if (origin !== undefined) sources.given.set(key, { text: environment[origin] ?? '', origin });
  }
  // Only a warning: another program's settings may be in the same environment, and Kubernetes adds variables
  // of its own.
  for (const name of Object.keys(environment)) {
    if (name.startsWith(environmentPrefix) && !known.has(name)) {
      sources.warnings.push(`${name} is not a setting of this program`);
    }
  }
}
