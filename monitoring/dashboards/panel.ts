/**
 * Panels as Grafana stores them, made from the few things in which ours differ: a title that is a question or
 * a quantity, a sentence on what to conclude, expressions and a unit.
 */

/** What each panel asks; refers to the data source that is chosen at the top of the dashboard. */
export const dataSource = { type: 'prometheus', uid: '${datasource}' } as const;

export interface Query {
  expr: string;
  /** Name of each line, with labels in double braces; may be left out where there is one value. */
  legend?: string;
  /** Only the newest value is of interest. */
  instant?: boolean;
  format?: 'time_series' | 'heatmap' | 'table';
}

/** As Grafana names them. */
export type Unit = 's' | 'bytes' | 'Bps' | 'short' | 'ops' | 'percentunit' | 'none' | 'dateTimeFromNow';

export interface Step {
  /** From this value on; null is from the beginning. */
  value: number | null;
  color: 'green' | 'orange' | 'red' | 'blue' | 'text';
}

export interface PanelInput {
  title: string;
  /** What to conclude from it. */
  description: string;
  queries: readonly Query[];
  unit: Unit;
  /** Of 24 columns. */
  width?: number;
  height?: number;
}

export interface Panel {
  title: string;
  type: string;
  width: number;
  height: number;
  /** Everything but its place, as Grafana stores it. */
  body: Record<string, unknown>;
}

export const fine: Step = { value: null, color: 'green' };

/** One large number, coloured by what it means. */
export function stat(
  input: PanelInput & { steps: readonly Step[]; words?: Readonly<Record<string, string>> },
): Panel {
  const options = Object.fromEntries(
    Object.entries(input.words ?? {}).map(([value, text], index) => [value, { text, index }]),
  );
  const mappings = input.words === undefined ? [] : [{ type: 'value', options }];
  return panel(
    'stat',
    { width: 4, height: 4, ...input },
    {
      fieldConfig: fields({
        unit: input.unit,
        mappings,
        color: { mode: 'thresholds' },
        thresholds: { mode: 'absolute', steps: input.steps },
      }),
      options: {
        colorMode: 'background',
        graphMode: 'none',
        justifyMode: 'auto',
        orientation: 'auto',
        textMode: 'auto',
        wideLayout: true,
        showPercentChange: false,
        percentChangeColorMode: 'standard',
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      },
    },
  );
}

/** Lines over time; `stacked` where the parts make up a whole. */
export function lines(input: PanelInput & { stacked?: boolean; max?: number }): Panel {
  const stacked = input.stacked === true;
  return panel(
    'timeseries',
    { width: 12, height: 8, ...input },
    {
      fieldConfig: fields({
        unit: input.unit,
        min: 0,
        ...(input.max === undefined ? {} : { max: input.max }),
        color: { mode: 'palette-classic' },
        custom: {
          drawStyle: 'line',
          lineWidth: 1,
          fillOpacity: stacked ? 40 : 10,
          showPoints: 'never',
          spanNulls: false,
          stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
        },
      }),
      options: {
        legend: {
          displayMode: 'table',
          placement: 'bottom',
          showLegend: true,
          calcs: ['lastNotNull', 'max'],
        },
        tooltip: { mode: 'multi', sort: 'desc' },
      },
    },
  );
}

/** How observations of a histogram are spread, over time. */
export function heatMap(input: PanelInput): Panel {
  return panel(
    'heatmap',
    { width: 12, height: 8, ...input },
    {
      fieldConfig: fields({ custom: { scaleDistribution: { type: 'linear' } } }),
      options: {
        calculate: false,
        cellGap: 1,
        color: {
          mode: 'scheme',
          scheme: 'Oranges',
          exponent: 0.5,
          fill: 'dark-orange',
          steps: 64,
          reverse: false,
        },
        exemplars: { color: 'rgba(255,0,255,0.7)' },
        filterValues: { le: 1e-9 },
        legend: { show: true },
        rowsFrame: { layout: 'auto' },
        showValue: 'never',
        selectionMode: 'x',
        tooltip: { mode: 'single', yHistogram: false, showColorScale: false },
        yAxis: { axisPlacement: 'left', reverse: false, unit: input.unit },
      },
    },
  );
}

function fields(defaults: Record<string, unknown>): Record<string, unknown> {
  return { defaults, overrides: [] };
}

function panel(
  type: string,
  input: PanelInput & { width: number; height: number },
  rest: Record<string, unknown>,
): Panel {
  const { title, description, queries, width, height } = input;
  const targets = queries.map((query, index) => target(query, index));
  return { title, type, width, height, body: { description, datasource: dataSource, targets, ...rest } };
}

function target({ expr, legend, instant = false, format = 'time_series' }: Query, index: number): object {
  return {
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource: dataSource,
    editorMode: 'code',
    expr,
    format,
    instant,
    range: !instant,
    legendFormat: legend ?? '__auto',
  };
}
