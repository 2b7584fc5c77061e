/**
 * A dashboard as Grafana stores it: rows of panels, placed one after another, and what is chosen at its
 * top.
 */
import { dataSource } from './panel.js';
import type { Panel } from './panel.js';

const columns = 24;

export interface Row {
  title: string;
  panels: readonly Panel[];
}

export interface Variable {
  name: string;
  label: string;
  /** As Prometheus' data source takes it: `label_values(series, label)`. */
  query: string;
}

export interface Annotation {
  name: string;
  expr: string;
  color: string;
  /** With labels in double braces. */
  title: string;
}

export interface DashboardInput {
  uid: string;
  title: string;
  description: string;
  variables: readonly Variable[];
  annotations: readonly Annotation[];
  rows: readonly Row[];
}

export interface Dashboard {
  /** Name of its file, without `.json`. */
  uid: string;
  json: Record<string, unknown>;
}

export function dashboard({
  uid,
  title,
  description,
  variables,
  annotations,
  rows,
}: DashboardInput): Dashboard {
  const json = {
    uid,
    title,
    description,
    tags: ['kvorum'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-30m', to: 'now' },
    timezone: 'browser',
    links: [
      {
        type: 'dashboards',
        title: 'Kvorum',
        icon: 'external link',
        tooltip: 'Dashboards of Kvorum',
        tags: ['kvorum'],
        asDropdown: false,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
      },
    ],
    annotations: { list: annotations.map(annotation) },
    templating: { list: [dataSourceVariable, ...variables.map(variable)] },
    panels: placed(rows),
  };
  return { uid, json };
}

const dataSourceVariable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  hide: 0,
  includeAll: false,
  multi: false,
  refresh: 1,
  regex: '',
};

function variable({ name, label, query }: Variable): object {
  return {
    name,
    label,
    type: 'query',
    datasource: dataSource,
    definition: query,
    query: { query, refId: `variable-${name}` },
    hide: 0,
    includeAll: false,
    multi: false,
    // When the time range changes: what was there then may be gone now.
    refresh: 2,
    regex: '',
    sort: 1,
  };
}

function annotation({ name, expr, color, title }: Annotation): object {
  return {
    name,
    datasource: dataSource,
    enable: true,
    hide: false,
    iconColor: color,
    expr,
    step: '10s',
    titleFormat: title,
    textFormat: '',
    useValueForTime: false,
  };
}

/** Each row under a heading, its panels from left to right as long as there is room. */
function placed(rows: readonly Row[]): object[] {
  const result: object[] = [];
  let y = 0;
  const add = (body: object) => result.push({ id: result.length + 1, ...body });
  for (const row of rows) {
    const gridPos = { x: 0, y, w: columns, h: 1 };
    add({ title: row.title, type: 'row', collapsed: false, gridPos, panels: [] });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      if (x + panel.width > columns) {
        x = 0;
        y += height;
        height = 0;
      }
      const place = { x, y, w: panel.width, h: panel.height };
      add({ title: panel.title, type: panel.type, gridPos: place, ...panel.body });
      x += panel.width;
      height = Math.max(height, panel.height);
    }
    y += height;
  }
  return result;
}
