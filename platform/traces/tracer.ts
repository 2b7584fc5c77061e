/**
 * Spans, as whoever makes them sees them. The library behind is loaded only if spans are sent somewhere: a
 * program that traces nothing neither loads it nor asks it anything.
 */

export type Attributes = Record<string, string | number | boolean>;

export interface Tracer {
  /**
   * Begins a span. `parent`: W3C traceparent of the span that caused it; '' for none, which begins a trace.
   * Times are monotonic milliseconds of this process.
   */
  start(
    name: string,
    kind: 'server' | 'client' | 'internal',
    parent: string,
    startedAtMs: number,
  ): ActiveSpan;
  /** Sends what is waiting. */
  close(): Promise<void>;
}

export interface ActiveSpan {
  /** For those that it causes, here or in another process. */
  readonly traceparent: string;
  /** `failure`: why what it stands for came to nothing; '' if it did not. */
  end(endedAtMs: number, attributes: Attributes, failure?: string): void;
}

const form = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** As W3C Trace Context writes it; the version ff and ids of zeros are none. */
export function isTraceparent(text: string): boolean {
  return form.test(text) && !text.startsWith('ff') && !/^..-0{32}|-0{16}-..$/.test(text);
}

export interface TracerOptions {
  /** Of an OTLP receiver, for traces over HTTP; null to trace nothing. */
  endpoint: string | null;
  /** Of the traces that begin here, the part that is kept: 0 to 1. */
  ratio: number;
  service: string;
  instance: string;
}

export async function startTracer(options: TracerOptions): Promise<Tracer | null> {
  const { endpoint } = options;
  if (endpoint === null) return null;
  const { OpenTelemetryTracer } = await import('./open-telemetry-tracer.js');
  return new OpenTelemetryTracer({ ...options, endpoint });
}
