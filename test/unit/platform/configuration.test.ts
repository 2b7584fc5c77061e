/** One order of precedence, and a clear sentence for everything that is wrong. */
import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import { readConfiguration } from '../../../platform/configuration/configuration.js';
import { limitSettings, limitsOf } from '../../../platform/configuration/limit-settings.js';
import { choice, flag, integer, listOf, text } from '../../../platform/configuration/setting.js';

const settings = {
  ...limitSettings,
  port: integer({ description: 'port', default: 7400, range: { min: 1, max: 65_535 } }),
  restart: flag({ description: 'restart', default: true }),
  verbose: flag({ description: 'more', default: false }),
  format: choice({ description: 'format', default: 'json', choices: ['json', 'pretty'] }),
  zone: text({ description: 'zone', default: null, placeholder: 'ZONE' }),
  peers: listOf({ description: 'peers', placeholder: 'A,B', parseItem: (item) => item.toUpperCase() }),
};
const program = { name: 'tried', description: 'A program.' };

function read(
  commandArguments: string[],
  environment: Record<string, string> = {},
  files: Record<string, string> = {},
) {
  const readFile = (path: string) => {
    const found = files[path];
    if (found === undefined) throw new Error('ENOENT: no such file');
    return found;
  };
  return readConfiguration(program, settings, { commandArguments, environment, readFile });
}

function valuesOf(...input: Parameters<typeof read>) {
  const outcome = read(...input);
  if (outcome.type !== 'values') throw new Error(JSON.stringify(outcome));
  return outcome.values;
}

function problemsOf(...input: Parameters<typeof read>): string[] {
  const outcome = read(...input);
  return outcome.type === 'wrong' ? outcome.problems : [];
}

describe('readConfiguration', () => {
  it('takes the command line before the environment, that before the file, that before defaults', () => {
    const files = { 'a.yaml': 'port: 1\nformat: pretty\nheartbeat: 300ms\nlease: 900\n' };
    const environment = { KVORUM_PORT: '2', KVORUM_HEARTBEAT: '350ms', KVORUM_CONFIG: 'a.yaml' };
    const values = valuesOf(['--port', '3'], environment, files);
    expect(values.port).toBe(3);
    expect(values.heartbeatMs).toBe(350);
    expect(values.format).toBe('pretty');
    expect(values.leaseMs).toBe(900);
    expect(values.suspicionMs).toBe(defaultLimits.suspicionMs);
    const other = valuesOf(['--config', 'b.json'], environment, { ...files, 'b.json': '{"zone":"z1"}' });
    expect(other.zone).toBe('z1');
    expect(other.format).toBe('json');
  });

  it('knows every limit by its long and its short name', () => {
    expect(limitsOf(valuesOf([])).limits).toEqual(defaultLimits);
    for (const name of ['--replacement-delay', '--replacement-delay-ms']) {
      expect(valuesOf([name, '7s']).replacementDelayMs).toBe(7_000);
    }
    expect(valuesOf([], { KVORUM_REPLACEMENT_DELAY_MS: '9000' }).replacementDelayMs).toBe(9_000);
    expect(valuesOf(['--value-bytes-max', '2MiB']).valueBytesMax).toBe(2 * 1024 * 1024);
    expect(valuesOf(['--config', 'c'], {}, { c: 'replacementDelayMs: 8000' }).replacementDelayMs).toBe(8_000);
  });

  it('says what does not fit together', () => {
    const { problems } = limitsOf(valuesOf(['--heartbeat', '2s', '--lease', '100ms']));
    expect(problems).toContain('suspicionMs must be at least twice heartbeatMs');
    expect(problems).toContain('leaseRenewalMs must be at most half of leaseMs');
  });

  it('reads switches and lists', () => {
    expect(valuesOf([]).restart).toBe(true);
    expect(valuesOf(['--no-restart']).restart).toBe(false);
    expect(valuesOf(['--restart'], { KVORUM_RESTART: 'false' }).restart).toBe(true);
    expect(valuesOf([], { KVORUM_RESTART: '0' }).restart).toBe(false);
    expect(valuesOf(['--verbose']).verbose).toBe(true);
    expect(valuesOf(['--no-verbose'], { KVORUM_VERBOSE: 'true' }).verbose).toBe(false);
    expect(valuesOf(['--peers', 'a, b']).peers).toEqual(['A', 'B']);
    expect(valuesOf(['--config', 'c'], {}, { c: 'peers: [x, y]' }).peers).toEqual(['X', 'Y']);
  });

  it('says all that is wrong at once, and where it stands', () => {
    const files = { 'a.yaml': 'port: many\nnonsense: 1\nzone: {a: 1}\nlease: 1\nleaseMs: 2\n' };
    const environment = { KVORUM_FORMAT: 'xml', KVORUM_HEARTBEAT: 'soon' };
    expect(problemsOf(['--config', 'a.yaml', '--probes-max', '1.5'], environment, files)).toEqual([
      'a.yaml: nonsense is not a setting of this program',
      'a.yaml: zone must be a plain value or a list of them',
      'a.yaml: leaseMs stands there twice',
      `KVORUM_HEARTBEAT must be a time such as 500ms, 10s, 2m or a number of ms, not 'soon'`,
      `--probes-max must be a whole number, not '1.5'`,
      `a.yaml: port must be a whole number, not 'many'`,
      `KVORUM_FORMAT must be one of json, pretty, not 'xml'`,
    ]);
  });

  it('refuses what it does not know, and what is out of range', () => {
    expect(problemsOf(['--prot', '1'])).toEqual([expect.stringMatching(/unknown option '--prot'.*--port/s)]);
    expect(problemsOf(['stray'])).toEqual([expect.stringContaining('too many arguments')]);
    expect(problemsOf(['--port'])).toEqual([expect.stringContaining('argument missing')]);
    expect(problemsOf(['--port', '70000'])).toEqual([
      `--port must be at least 1 and at most 65535, not '70000'`,
    ]);
    expect(problemsOf(['--lease', '1s', '--lease-ms', '2'])).toEqual([
      '--lease and --lease-ms are one setting: give it once',
    ]);
    expect(problemsOf(['--config', 'gone'])).toEqual([
      'config file gone cannot be read: ENOENT: no such file',
    ]);
    expect(problemsOf(['--config', 'l'], {}, { l: '[1, 2]' })).toEqual([
      'config file l must hold names and values',
    ]);
    expect(problemsOf(['--config', 'l'], {}, { l: 'a: [' })[0]).toContain('cannot be read');
  });

  it('warns of variables that it does not know', () => {
    const outcome = read([], { KVORUM_PROT: '1', OTHER: '2' });
    expect(outcome).toMatchObject({ warnings: ['KVORUM_PROT is not a setting of this program'] });
  });

  it('explains itself', () => {
    const outcome = read(['--help']);
    if (outcome.type !== 'help') throw new Error('no help');
    expect(outcome.text).toContain('--no-restart');
    expect(outcome.text).toContain('--replacement-delay <TIME>');
    expect(outcome.text).toContain('default: 60s');
    expect(outcome.text).not.toContain('--replacement-delay-ms');
  });
});
