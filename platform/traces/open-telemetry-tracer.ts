/**
 * Spans through OpenTelemetry's SDK, sent in batches as OTLP over HTTP. What cannot be sent in time is
 * dropped: a collector that is away must not cost the cluster anything.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import type { Context, Span, Tracer as LibraryTracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { isTraceparent } from './tracer.js';
import type { ActiveSpan, Attributes, Tracer, TracerOptions } from './tracer.js';

const queueSpansMax = 4_096;
const sendEveryMs = 1_000;
const sendTimeoutMs = 5_000;
const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

export class OpenTelemetryTracer implements Tracer {
  private readonly provider: BasicTracerProvider;
  private readonly tracer: LibraryTracer;

  constructor({ endpoint, ratio, service, instance }: TracerOptions & { endpoint: string }) {
    const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: sendTimeoutMs });
    this.provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': service, 'service.instance.id': instance }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
      spanProcessors: [
        new BatchSpanProcessor(exporter, { maxQueueSize: queueSpansMax, scheduledDelayMillis: sendEveryMs }),
      ],
    });
    this.tracer = this.provider.getTracer('kvorum');
  }

  start(name: string, kind: keyof typeof kinds, parent: string, startedAtMs: number): ActiveSpan {
    const options = { kind: kinds[kind], startTime: wallOf(startedAtMs) };
    return new LibrarySpan(this.tracer.startSpan(name, options, contextOf(parent)));
  }

  async close(): Promise<void> {
    await this.provider.shutdown();
  }
}

class LibrarySpan implements ActiveSpan {
  readonly traceparent: string;

  constructor(private readonly span: Span) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  end(endedAtMs: number, attributes: Attributes, failure = ''): void {
    this.span.setAttributes(attributes);
    if (failure !== '') this.span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    this.span.end(wallOf(endedAtMs));
  }
}

function contextOf(parent: string): Context {
  if (!isTraceparent(parent)) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = ''] = parent.split('-');
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function wallOf(monotonicMs: number): number {
  return performance.timeOrigin + monotonicMs;
}
