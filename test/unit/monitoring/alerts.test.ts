/**
 * Each alert fires when it has to and is silent when it must not, as Prometheus' own promtool judges; and
 * each has a page that says what to do.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { alertGroups } from '../../../monitoring/alerts.js';
import type { Alert, AlertGroup } from '../../../monitoring/alert.js';
import { rulesOf, rulesText, runbookBase } from '../../../monitoring/rules-file.js';
import { secondsOf, shortened } from '../../../monitoring/shortened.js';
import { place } from './cases/alert-case.js';
import type { AlertCases, Case } from './cases/alert-case.js';
import { availabilityCases } from './cases/availability-cases.js';
import { controlCases } from './cases/control-cases.js';
import { durabilityCases } from './cases/durability-cases.js';
import { latencyCases } from './cases/latency-cases.js';
import { resourceCases } from './cases/resource-cases.js';

const root = path.resolve(import.meta.dirname, '../../../..');
const runbooks = path.join(root, 'docs/runbooks');
const alerts = alertGroups.flatMap((group) => group.alerts);
const cases: Record<string, AlertCases> = {
  ...availabilityCases,
  ...controlCases,
  ...durabilityCases,
  ...latencyCases,
  ...resourceCases,
};

function promtool(...commandArguments: string[]): string {
  try {
    return execFileSync('promtool', commandArguments, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool ${commandArguments.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}

function thrownBy(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return String(error);
  }
  return 'nothing';
}

/** A unit test as promtool takes it. */
function unitTest(alertname: string, { series, at }: Case, expected: object[]): object {
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [{ eval_time: at, alertname, exp_alerts: expected }],
  };
}

function casesOf(name: string): AlertCases {
  const found = cases[name];
  if (found === undefined) throw new Error(`no cases of ${name}`);
  return found;
}

/** The alert as it has to come. */
function expectedOf({ name, severity }: Alert): object {
  const { nowhere, labels, summary, description } = casesOf(name).fires;
  return {
    exp_labels: { ...(nowhere === true ? {} : place), ...labels, severity },
    exp_annotations: { summary, description, runbook_url: `${runbookBase}/${name}` },
  };
}

describe('alerts', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kvorum-alerts-'));
    writeFileSync(path.join(folder, 'alerts.yaml'), rulesText(rulesOf(alertGroups)));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** One run for all of a group: starting promtool is most of the time. */
  function runTests(group: AlertGroup, tests: object[]): string {
    writeFileSync(path.join(folder, 'group.yaml'), rulesText(rulesOf([group])));
    const file = path.join(folder, 'test.yaml');
    writeFileSync(file, stringify({ rule_files: ['group.yaml'], evaluation_interval: '1m', tests }));
    return promtool('test', 'rules', file);
  }

  it('are well formed', () => {
    const said = promtool('check', 'rules', path.join(folder, 'alerts.yaml'));
    expect(said).toContain(`SUCCESS: ${alerts.length} rules`);
    expect(alerts.length).toBeGreaterThanOrEqual(15);
    expect(new Set(alerts.map(({ name }) => name)).size).toBe(alerts.length);
  });

  it('have a case in which they fire and one in which they do not, and nothing else has', () => {
    expect(Object.keys(cases).sort()).toEqual(alerts.map(({ name }) => name).sort());
  });

  it.each(alertGroups)('of $name fire when they have to, with their values in words', (group) => {
    const tests = group.alerts.map((alert) =>
      unitTest(alert.name, casesOf(alert.name).fires, [expectedOf(alert)]),
    );
    expect(runTests(group, tests)).toContain('SUCCESS');
  });

  it.each(alertGroups)('of $name are silent when they must not fire', (group) => {
    const tests = group.alerts.map(({ name }) => unitTest(name, casesOf(name).silent, []));
    expect(runTests(group, tests)).toContain('SUCCESS');
  });

  it('are judged by a promtool that notices both an alert too many and one that is missing', () => {
    const [group] = alertGroups;
    if (group === undefined) throw new Error('no groups');
    const loud = group.alerts.map(({ name }) => unitTest(name, casesOf(name).fires, []));
    const quiet = group.alerts.map((alert) => {
      return unitTest(alert.name, casesOf(alert.name).silent, [expectedOf(alert)]);
    });
    for (const tests of [loud, quiet]) {
      const said = thrownBy(() => runTests(group, tests));
      const named = group.alerts.filter(({ name }) => said.includes(`alertname: ${name}, time`));
      expect(named).toEqual(group.alerts);
    }
  });

  it.each(alerts.map(({ name }) => name))(
    '%s has a page that says how to tell, what to do and when it is over',
    (name) => {
      const file = path.join(runbooks, `${name}.md`);
      expect(existsSync(file)).toBe(true);
      const page = readFileSync(file, 'utf8');
      expect(page.startsWith(`# ${name}\n`)).toBe(true);
      const sections = ['## How to tell', '## What to do', '## How to know it is over'];
      expect([...page.matchAll(/^## .*$/gm)].map(([heading]) => heading)).toEqual(sections);
      for (const section of page.split(/^## /m).slice(1)) expect(section.length).toBeGreaterThan(60);
      expect(page).toMatch(/```sh\n/);
    },
  );

  it('have all the pages there are', () => {
    const pages = readdirSync(runbooks).map((file) => file.replace(/\.md$/, ''));
    expect(pages.sort()).toEqual([...alerts.map(({ name }) => name), 'README'].sort());
  });
});

describe('the faster clock for tests', () => {
  const fast = shortened(rulesOf(alertGroups), 60, 5);
  const slow = rulesOf(alertGroups);

  it('changes durations in brackets, after offset and in for, and nothing else', () => {
    const withoutDurations = (text: string) => text.replace(/\[\w+\]|offset \w+/g, '');
    fast.groups.forEach((group, index) => {
      const same = slow.groups[index]?.rules ?? [];
      expect(group.rules.map(({ alert }) => alert)).toEqual(same.map(({ alert }) => alert));
      group.rules.forEach((rule, at) => {
        expect(withoutDurations(rule.expr)).toBe(withoutDurations(same[at]?.expr ?? ''));
        expect(rule.labels).toEqual(same[at]?.labels);
        expect(rule.annotations).toEqual(same[at]?.annotations);
      });
    });
  });

  it('divides, and leaves a rate its scrapes', () => {
    const [rule] = shortened(
      {
        groups: [
          {
            name: 'g',
            rules: [
              {
                alert: 'A',
                expr: 'rate(a[10m]) > 300 and b offset 2m',
                for: '1h30m',
                labels: { severity: 'warning' },
                annotations: { summary: '', description: 'for 10m', runbook_url: '' },
              },
            ],
          },
        ],
      },
      60,
      15,
    ).groups.flatMap(({ rules }) => rules);
    expect(rule).toMatchObject({ expr: 'rate(a[15s]) > 300 and b offset 2s', for: '90s' });
    expect(rule?.annotations.description).toBe('for 10m');
  });

  it('reads durations as Prometheus writes them', () => {
    expect(['30s', '5m', '1h30m', '14d'].map(secondsOf)).toEqual([30, 300, 5_400, 1_209_600]);
    expect(() => secondsOf('5 minutes')).toThrow('not a duration');
  });
});
