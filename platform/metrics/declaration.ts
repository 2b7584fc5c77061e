/**
 * What a program measures is declared before it is measured: name, type, labels and a sentence for the person
 * on call. Programs make their series from these declarations and `docs/monitoring.md` is generated from
 * them, so neither can know a metric that the other does not.
 */

/**
 * Values of each label that are known beforehand: the series are their combinations, and exist at 0 from the
 * start. An empty list: the values come with the cluster (workers, partitions, codes).
 */
export type LabelValues = Readonly<Record<string, readonly string[]>>;

interface Basics {
  /** In full, as Prometheus sees it. */
  name: string;
  /** What it is, and what to conclude from it. */
  help: string;
  labels: LabelValues;
  /** Only if series for each partition are asked for. */
  perPartition: boolean;
}

export type CounterDeclaration = Basics & { type: 'counter' };
export type GaugeDeclaration = Basics & { type: 'gauge' };
/** `buckets`: upper bounds, rising, in the unit that the name ends in. */
export type HistogramDeclaration = Basics & { type: 'histogram'; buckets: readonly number[] };
export type Declaration = CounterDeclaration | GaugeDeclaration | HistogramDeclaration;

export function counter(name: string, help: string, labels: LabelValues = {}): CounterDeclaration {
  return { type: 'counter', name, help, labels, perPartition: false };
}

export function gauge(name: string, help: string, labels: LabelValues = {}): GaugeDeclaration {
  return { type: 'gauge', name, help, labels, perPartition: false };
}

export function histogram(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: LabelValues = {},
): HistogramDeclaration {
  return { type: 'histogram', name, help, buckets, labels, perPartition: false };
}

/** The same for each partition. */
export function perPartition<D extends Declaration>(declaration: D): D {
  return { ...declaration, labels: { ...declaration.labels, partition: [] }, perPartition: true };
}
