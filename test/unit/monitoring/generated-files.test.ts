/**
 * The files that are made from the folder monitoring are what it makes now; dashboards can be shown; and no
 * expression asks for a series or a label that no program has.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { alertGroups } from '../../../monitoring/alerts.js';
import { dashboards } from '../../../monitoring/dashboards.js';
import { generatedFiles } from '../../../monitoring/generated-files.js';
import { workerDeclarations } from '../../../node/metrics/worker-metrics.js';
import { controllerDeclarations } from '../../../operator/metrics/controller-metrics.js';
import { runtimeMetricNames } from '../../../platform/metrics/process-metrics.js';

const root = path.resolve(import.meta.dirname, '../../../..');
/** What scraping gives every series. */
const targetLabels = ['namespace', 'cluster', 'component', 'instance', 'le'];

interface ShownPanel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

interface ShownDashboard {
  uid: string;
  panels: ShownPanel[];
  templating: { list: { name: string }[] };
  annotations: { list: { expr: string }[] };
}

const shown = dashboards.map(({ json }) => json as unknown as ShownDashboard);
const expressions = [
  ...alertGroups.flatMap(({ alerts }) => alerts.map(({ name, expr }) => [name, expr] as const)),
  ...shown.flatMap(({ uid, panels, annotations }) => [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [`${uid}: ${title}`, expr] as const),
    ),
    ...annotations.list.map(({ expr }) => [`${uid}: annotation`, expr] as const),
  ]),
];

/** Labels of each series that some program has. */
const known = new Map<string, string[]>([['up', []]]);
for (const name of runtimeMetricNames) known.set(name, []);
for (const { name, type, labels, perPartition } of [...workerDeclarations, ...controllerDeclarations]) {
  if (perPartition) continue;
  const names = type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
  for (const series of names) known.set(series, Object.keys(labels));
}

describe('what npm run monitoring makes', () => {
  it.each([...generatedFiles(root).keys()])('%s is up to date', (name) => {
    const file = path.join(root, name);
    expect(existsSync(file) ? readFileSync(file, 'utf8') : 'missing').toBe(generatedFiles(root).get(name));
  });

  it('leaves no dashboard of old', () => {
    const names = dashboards.map(({ uid }) => `${uid}.json`).sort();
    for (const folder of ['charts/kvorum/dashboards', 'manifests/monitoring/dashboards']) {
      expect(readdirSync(path.join(root, folder)).sort()).toEqual(names);
    }
    const kustomization = readFileSync(path.join(root, 'manifests/monitoring/kustomization.yaml'), 'utf8');
    for (const name of names) expect(kustomization).toContain(`dashboards/${name}`);
  });
});

describe.each(shown)('the dashboard $uid', ({ panels, templating }) => {
  it('lets data source, namespace and cluster be chosen', () => {
    expect(templating.list.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['datasource', 'namespace', 'cluster']),
    );
  });

  it('answers in its top row whether it is up, safe and fast', () => {
    const [heading, ...rest] = panels;
    expect(heading?.title).toBe('Is it up? Is data safe? Is it fast?');
    const top = rest.slice(
      0,
      rest.findIndex(({ type }) => type === 'row'),
    );
    expect(top.every(({ type }) => type === 'stat')).toBe(true);
    expect(new Set(top.map(({ title }) => title.split(':')[0]))).toEqual(new Set(['Up', 'Safe', 'Fast']));
  });

  it('shows quorum latency as a heat map and as quantiles', () => {
    const types = panels.filter(({ title }) => title.startsWith('Quorum latency')).map(({ type }) => type);
    expect(types).toEqual(['heatmap', 'timeseries']);
  });

  it('says of each panel what to conclude from it', () => {
    for (const { type, title, description = '', targets = [] } of panels) {
      if (type === 'row') continue;
      expect([title, description.length > 15, targets.length > 0]).toEqual([title, true, true]);
    }
  });

  it('puts no panel over another or beyond the edge', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos, title } of panels) {
      expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([title, taken.has(`${x},${y}`)]).toEqual([title, false]);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});

describe('expressions', () => {
  it.each(expressions)('%s asks for series and labels that there are', (_, expression) => {
    const selectors = [...expression.matchAll(/([a-z][a-z0-9_]*)\{([^}]*)\}/g)];
    expect(selectors.length).toBeGreaterThan(0);
    for (const [, name = '', matchers = ''] of selectors) {
      expect([name, known.has(name)]).toEqual([name, true]);
      const labels = [...matchers.matchAll(/(\w+)(?:=|!=|=~|!~)"/g)].map(([, label]) => label ?? '');
      const there = [...targetLabels, ...(known.get(name) ?? [])];
      expect([name, labels.filter((label) => !there.includes(label))]).toEqual([name, []]);
    }
  });

  it.each(expressions)('%s has each of its series within a cluster', (_, expression) => {
    const bare = expression
      .replace(/\{[^}]*\}/g, '{}')
      .replace(/"[^"]*"/g, '')
      .replace(/\b(by|on|group_left|group_right) \([^)]*\)/g, '');
    const names = [...bare.matchAll(/\b(kvorum|process|nodejs)_\w+(?!\w*\{)/g)].map(([name]) => name);
    expect(names.filter((name) => !bare.includes(`${name}{}`))).toEqual([]);
  });
});
