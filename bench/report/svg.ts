/**
 * Charts as SVG, several in one picture: no package, and legible on a light and on a dark page, since the
 * picture follows the reader's colour scheme.
 */
export interface BarSeries {
  name: string;
  /** One per group; null leaves a gap. */
  values: readonly (number | null)[];
}

export interface BarChart {
  kind: 'bars';
  title: string;
  groups: readonly string[];
  series: readonly BarSeries[];
}

export interface LineSeries {
  name: string;
  points: readonly { x: number; y: number }[];
}

export interface LineChart {
  kind: 'lines';
  title: string;
  xTitle: string;
  xScale: 'linear' | 'log';
  series: readonly LineSeries[];
}

export type Chart = BarChart | LineChart;

/** One colour per name, the same in every chart of the picture. */
const colours = ['#2f6fde', '#7fb0f5', '#e07b39', '#f0b98d', '#4f9d69', '#a06cc8'];
const chartWidth = 430;
const chartHeight = 250;
const plot = { left: 58, top: 34, right: 12, bottom: 40 };
const plotWidth = chartWidth - plot.left - plot.right;
const plotHeight = chartHeight - plot.top - plot.bottom;
const legendHeight = 26;

export function svgPicture(charts: readonly Chart[], columns: number): string {
  const names = [...new Set(charts.flatMap(({ series }) => series.map(({ name }) => name)))];
  const colourOf = new Map(names.map((name, index) => [name, colours[index % colours.length] ?? '']));
  const rows = Math.ceil(charts.length / columns);
  const legendRows = Math.ceil(names.length / (columns * 2));
  const width = columns * chartWidth;
  const height = rows * chartHeight + legendRows * legendHeight + 8;
  const drawn = charts.map((chart, index) => {
    const [x, y] = [(index % columns) * chartWidth, Math.floor(index / columns) * chartHeight];
    return `<g transform="translate(${x} ${y})">${drawChart(chart, colourOf)}</g>`;
  });
  const legend = names.map((name, index) => {
    const x = plot.left + (index % (columns * 2)) * (chartWidth / 2);
    const y = rows * chartHeight + Math.floor(index / (columns * 2)) * legendHeight;
    const mark = `<rect x="${x}" y="${y}" width="12" height="12" fill="${colourOf.get(name) ?? ''}"/>`;
    return `${mark}<text x="${x + 18}" y="${y + 11}">${escape(name)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<style>${style}</style>`,
    ...drawn,
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

const style = [
  'text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:13px}',
  '.grid{stroke:#d0d7de;stroke-width:1}.end{text-anchor:end}.middle{text-anchor:middle}',
  '@media(prefers-color-scheme:dark){text{fill:#d7dde3}.grid{stroke:#3d444d}}',
].join('');

function drawChart(chart: Chart, colourOf: ReadonlyMap<string, string>): string {
  const values = chart.kind === 'bars' ? barValues(chart) : lineValues(chart);
  const top = niceTop(Math.max(0, ...values));
  const y = (value: number) => plot.top + plotHeight * (1 - value / top);
  const title = `<text class="title" x="${plot.left}" y="20">${escape(chart.title)}</text>`;
  const body = chart.kind === 'bars' ? drawBars(chart, colourOf, y) : drawLines(chart, colourOf, y);
  return title + drawGrid(top, y) + body;
}

function barValues({ series }: BarChart): number[] {
  return series.flatMap(({ values }) => values.filter((value) => value !== null));
}

function lineValues({ series }: LineChart): number[] {
  return series.flatMap(({ points }) => points.map((point) => point.y));
}

function drawGrid(top: number, y: (value: number) => number): string {
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(top * share).toFixed(1);
    const line = `<line class="grid" x1="${plot.left}" y1="${at}" x2="${chartWidth - plot.right}" y2="${at}"/>`;
    return `${line}<text class="end" x="${plot.left - 6}" y="${Number(at) + 4}">${short(top * share)}</text>`;
  });
  return lines.join('');
}

function drawBars(
  chart: BarChart,
  colourOf: ReadonlyMap<string, string>,
  y: (value: number) => number,
): string {
  const groupWidth = plotWidth / Math.max(1, chart.groups.length);
  const barWidth = (groupWidth * 0.8) / Math.max(1, chart.series.length);
  const bars = chart.series.flatMap(({ name, values }, place) =>
    values.map((value, group) => {
      if (value === null) return '';
      const x = plot.left + group * groupWidth + groupWidth * 0.1 + place * barWidth;
      const [at, bottom] = [y(value), y(0)];
      const box = `x="${x.toFixed(1)}" y="${at.toFixed(1)}" width="${(barWidth * 0.92).toFixed(1)}"`;
      const label = `<title>${escape(name)}: ${short(value)}</title>`;
      return `<rect ${box} height="${(bottom - at).toFixed(1)}" fill="${colourOf.get(name) ?? ''}">${label}</rect>`;
    }),
  );
  const labels = chart.groups.map((group, index) => {
    const x = plot.left + (index + 0.5) * groupWidth;
    return `<text class="middle" x="${x.toFixed(1)}" y="${chartHeight - 18}">${escape(group)}</text>`;
  });
  return [...bars, ...labels].join('');
}

function drawLines(
  chart: LineChart,
  colourOf: ReadonlyMap<string, string>,
  y: (value: number) => number,
): string {
  const position = (value: number) => (chart.xScale === 'log' ? Math.log10(Math.max(1, value)) : value);
  const all = chart.series.flatMap(({ points }) => points.map((point) => point.x));
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const range = position(most) - position(least) || 1;
  const x = (value: number) => plot.left + (plotWidth * (position(value) - position(least))) / range;
  const curves = chart.series.map(({ name, points }) => {
    const colour = colourOf.get(name) ?? '';
    const path = points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ');
    const few = points.length > 20 ? [] : points;
    const dots = few.map(
      (point) =>
        `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3" fill="${colour}"/>`,
    );
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`;
  });
  const labelled = [least, most].map((value, index) => {
    const anchor = index === 0 ? 'start' : 'end';
    return `<text text-anchor="${anchor}" x="${x(value).toFixed(1)}" y="${chartHeight - 22}">${short(value)}</text>`;
  });
  const middle = plot.left + plotWidth / 2;
  const xTitle = `<text class="middle" x="${middle}" y="${chartHeight - 22}">${escape(chart.xTitle)}</text>`;
  return [...curves, ...labelled, xTitle].join('');
}

/** The least of a few round numbers that is not below; each has four round quarters. */
export function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor =
    [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((candidate) => candidate * power >= value) ?? 10;
  return factor * power;
}

/** Three significant digits; thousands as k, millions as M. */
export function short(value: number): string {
  if (value >= 1_000_000) return `${trimmed(value / 1_000_000)}M`;
  if (value >= 1_000) return `${trimmed(value / 1_000)}k`;
  return trimmed(value);
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
