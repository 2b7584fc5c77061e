/**
 * Metrics for Prometheus, made from declarations, over prom-client. A series with known label values is there
 * with 0 from the start: a rate over something that never happened is 0, not missing. What happens often is
 * counted where it happens, in plain numbers and distributions, and read here when somebody asks.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { Distribution } from '../../core/distribution.js';
import { runtimeMetricNames } from './process-metrics.js';
import type {
  CounterDeclaration,
  Declaration,
  GaugeDeclaration,
  HistogramDeclaration,
  LabelValues,
} from './declaration.js';

export type Labels = Record<string, string>;
/** One value of a metric without labels, or one for each series that there is now. */
export type Sample<T> = T | Iterable<readonly [labels: Labels, value: T]>;

export interface CounterMetric {
  add(labels?: Labels, amount?: number): void;
}

export interface MetricsOptions {
  /** False to measure nothing where it is done often, and to say nothing. */
  enabled?: boolean;
  /** Whether there are series for each partition. */
  perPartition?: boolean;
}

/** Coarse on purpose: this library's probe of the event loop is not used. */
const unusedProbeMs = 60_000;

export class Metrics {
  private readonly registry = new Registry();
  private readonly declared = new Map<string, Declaration>();
  readonly contentType = this.registry.contentType;
  readonly perPartition: boolean;
  readonly enabled: boolean;

  constructor(options: MetricsOptions = {}) {
    this.perPartition = options.perPartition ?? false;
    this.enabled = options.enabled ?? true;
  }

  /** What was asked for so far, by name. */
  get declarations(): ReadonlyMap<string, Declaration> {
    return this.declared;
  }

  /** CPU, memory, file descriptors, garbage collection of this process. */
  collectRuntime(): void {
    if (!this.enabled) return;
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: unusedProbeMs });
    for (const { name } of this.registry.getMetricsAsArray()) {
      if (!this.declared.has(name) && !runtimeMetricNames.has(name)) this.registry.removeSingleMetric(name);
    }
  }

  /** For what happens seldom. */
  counter(declaration: CounterDeclaration): CounterMetric {
    const metric = new Counter(this.naming(declaration));
    for (const series of combinations(declaration.labels)) metric.inc(series, 0);
    return { add: (labels = {}, amount = 1) => metric.inc(labels, amount) };
  }

  /** A total that is kept elsewhere as a plain number. */
  total(declaration: CounterDeclaration, read: () => Sample<number>): void {
    if (declaration.perPartition && !this.perPartition) return;
    const known = combinations(declaration.labels);
    const metric: Counter = new Counter({
      ...this.naming(declaration),
      collect: () => {
        metric.reset();
        for (const series of known) metric.inc(series, 0);
        for (const [labels, value] of samples(read())) metric.inc(labels, value);
      },
    });
  }

  gauge(declaration: GaugeDeclaration, read: () => Sample<number> | Promise<Sample<number>>): void {
    if (declaration.perPartition && !this.perPartition) return;
    const known = combinations(declaration.labels);
    const metric: Gauge = new Gauge({
      ...this.naming(declaration),
      collect: async () => {
        const values = samples(await read());
        metric.reset();
        for (const series of known) metric.set(series, 0);
        for (const [labels, value] of values) metric.set(labels, value);
      },
    });
  }

  histogram(declaration: HistogramDeclaration, read: () => Sample<Distribution>): void {
    new ReadHistogram(declaration, this.naming(declaration), read);
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  private naming(declaration: Declaration) {
    const { name, help, labels } = declaration;
    this.declared.set(name, declaration);
    return { name, help, labelNames: Object.keys(labels), registers: [this.registry] };
  }
}

/** A histogram whose buckets are counted elsewhere: the library's own way costs more than a small request. */
class ReadHistogram extends Histogram {
  constructor(
    private readonly declaration: HistogramDeclaration,
    naming: { name: string; help: string; labelNames: string[]; registers: Registry[] },
    private readonly read: () => Sample<Distribution>,
  ) {
    super({ ...naming, buckets: [...declaration.buckets] });
  }

  /** What the registry asks for its text, in the shape that the library's own histogram gives. */
  getForPromString() {
    const { name, help, buckets, labels } = this.declaration;
    const found = [...samples(this.read())];
    for (const series of combinations(labels)) {
      const same = ([present]: readonly [Labels, Distribution]) =>
        Object.entries(series).every(([label, value]) => present[label] === value);
      if (!found.some(same)) found.push([series, new Distribution(buckets)]);
    }
    const values = found.flatMap(([series, distribution]) => linesOf(name, series, distribution));
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }
}

interface Line {
  metricName: string;
  labels: Labels;
  value: number;
}

function linesOf(name: string, labels: Labels, distribution: Distribution): Line[] {
  const counts = distribution.cumulative();
  const lines = counts.map((value, index) => {
    const le = distribution.bounds[index];
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: le === undefined ? '+Inf' : String(le) },
      value,
    };
  });
  return [
    ...lines,
    { metricName: `${name}_sum`, labels, value: distribution.sum },
    { metricName: `${name}_count`, labels, value: counts.at(-1) ?? 0 },
  ];
}

function samples<T extends number | Distribution>(sample: Sample<T>): Iterable<readonly [Labels, T]> {
  return typeof sample === 'number' || sample instanceof Distribution ? [[{}, sample]] : sample;
}

/** None if a label's values are not known beforehand. */
export function combinations(labels: LabelValues): Labels[] {
  let series: Labels[] = [{}];
  for (const [name, values] of Object.entries(labels)) {
    series = series.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  return series;
}
