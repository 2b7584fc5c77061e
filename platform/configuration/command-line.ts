/** The command line: options made from a table of settings, parsed and explained by commander. */
import { Command, CommanderError, Option } from 'commander';
import { fileNames, flagNames, kebabCase } from './setting-name.js';
import type { Setting, Settings } from './setting.js';

export interface ProgramDescription {
  /** As a person types it. */
  name: string;
  description: string;
  /** After the options in --help. */
  closing?: string;
}

export type CommandLine =
  | { type: 'values'; texts: Map<string, string>; configFile: string | null }
  | { type: 'help'; text: string }
  | { type: 'wrong'; problem: string };

export function parseCommandLine(
  program: ProgramDescription,
  settings: Settings,
  commandArguments: readonly string[],
): CommandLine {
  let printed = '';
  const command = new Command(program.name)
    .description(program.description)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => (printed += text), writeErr: () => undefined });
  command.addOption(
    new Option('--config <FILE>', 'YAML or JSON file with settings (KVORUM_CONFIG)').helpGroup('Options:'),
  );
  const keyOf = new Map<string, string>();
  for (const [key, setting] of Object.entries(settings)) addSetting(command, keyOf, key, setting);
  command.addHelpText('after', closingOf(program));
  try {
    command.parse([...commandArguments], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { type: 'help', text: printed };
    return { type: 'wrong', problem: error.message.replace(/^error: /, '') };
  }
  return collect(command, keyOf);
}

function addSetting(
  command: Command,
  keyOf: Map<string, string>,
  key: string,
  setting: Setting<unknown>,
): void {
  const shown = setting.defaultText === null ? '' : ` (default: ${setting.defaultText})`;
  for (const [index, flag] of flagNames(key).entries()) {
    const isSwitch = setting.placeholder === '';
    const form = isSwitch && setting.defaultValue === true ? flag.replace('--', '--no-') : flag;
    const option = new Option(
      isSwitch ? form : `${form} <${setting.placeholder}>`,
      setting.description + (isSwitch ? '' : shown),
    );
    command.addOption(option.helpGroup(setting.group).hideHelp(index > 0));
    if (isSwitch) command.addOption(new Option(opposite(form)).hideHelp());
  }
  for (const name of fileNames(key)) keyOf.set(attributeName(name), key);
}

function opposite(form: string): string {
  return form.startsWith('--no-') ? form.replace('--no-', '--') : form.replace('--', '--no-');
}

/** How commander names the option in what it returns. */
function attributeName(name: string): string {
  return kebabCase(name).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function collect(command: Command, keyOf: Map<string, string>): CommandLine {
  const texts = new Map<string, string>();
  let configFile: string | null = null;
  for (const [name, value] of Object.entries(command.opts<Record<string, string | boolean>>())) {
    if (command.getOptionValueSource(name) !== 'cli') continue;
    const key = keyOf.get(name);
    if (name === 'config') configFile = String(value);
    if (key === undefined) continue;
    if (texts.has(key)) {
      return { type: 'wrong', problem: `${flagNames(key).join(' and ')} are one setting: give it once` };
    }
    texts.set(key, String(value));
  }
  return { type: 'values', texts, configFile };
}

function closingOf(program: ProgramDescription): string {
  return `
Times take a unit (500ms, 10s, 2m; a plain number is milliseconds), sizes too (64KiB, 8MiB).
Each option can also be given as KVORUM_… in the environment (--data-dir: KVORUM_DATA_DIR) or in a
file (dataDir:). The command line goes before the environment, the environment before the file.
${program.closing ?? ''}`;
}
