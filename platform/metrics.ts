/**
 * Metrics for Prometheus, over prom-client. Names begin with `kvorum_`, and a series with known label values
 * is there with 0 from the start: a rate over something that never happened is 0, not missing.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const prefix = 'kvorum_';
/** Coarse on purpose: the probe of the event loop is a timer, and an idle process should sleep. */
const eventLoopProbeMs = 500;

/** Values of each label that are known beforehand; the series are their combinations. */
export type LabelValues = Record<string, readonly string[]>;
export type Labels = Record<string, string>;

export interface CounterMetric {
  add(labels?: Labels, amount?: number): void;
}

export interface GaugeMetric {
  set(value: number, labels?: Labels): void;
}

export interface HistogramMetric {
  /** In the unit that the name ends in. */
  observe(value: number, labels?: Labels): void;
}

export class Metrics {
  private readonly registry = new Registry();
  readonly contentType = this.registry.contentType;

  /** With the process's own: CPU, memory, garbage collection, lag of the event loop. */
  collectProcess(): void {
    collectDefaultMetrics({
      register: this.registry,
      prefix,
      eventLoopMonitoringPrecision: eventLoopProbeMs,
    });
  }

  /** Grows only; `name` without the prefix, ending in `_total`. */
  counter(name: string, help: string, labels: LabelValues = {}): CounterMetric {
    const metric = new Counter({ ...this.naming(name, help, labels), registers: [this.registry] });
    for (const series of combinations(labels)) metric.inc(series, 0);
    return { add: (chosen = {}, amount = 1) => metric.inc(chosen, amount) };
  }

  gauge(name: string, help: string, labels: LabelValues = {}): GaugeMetric {
    const metric = new Gauge({ ...this.naming(name, help, labels), registers: [this.registry] });
    for (const series of combinations(labels)) metric.set(series, 0);
    return { set: (value, chosen = {}) => metric.set(chosen, value) };
  }

  /** Read when somebody asks for the metrics, not before. */
  gaugeOf(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      ...this.naming(name, help, {}),
      registers: [this.registry],
      collect: () => gauge.set(read()),
    });
  }

  /** A total that is kept elsewhere as a plain number, read when somebody asks for the metrics. */
  counterOf(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      ...this.naming(name, help, {}),
      registers: [this.registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: LabelValues = {},
  ): HistogramMetric {
    const naming = this.naming(name, help, labels);
    const metric = new Histogram({ ...naming, buckets: [...buckets], registers: [this.registry] });
    for (const series of combinations(labels)) metric.zero(series);
    return { observe: (value, chosen = {}) => metric.observe(chosen, value) };
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  private naming(name: string, help: string, labels: LabelValues) {
    return { name: prefix + name, help, labelNames: Object.keys(labels) };
  }
}

function combinations(labels: LabelValues): Labels[] {
  let series: Labels[] = [{}];
  for (const [name, values] of Object.entries(labels)) {
    series = series.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  return series;
}
