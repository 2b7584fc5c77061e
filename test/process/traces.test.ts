import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { eventually, ProcessCluster } from './cluster.js';

jest.setTimeout(300_000);
const traceId = '0af7651916cd43dd8448eb211c80319c';
const clientSpan = 'b7ad6b7169203331';

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string };
}

interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
}

interface Sent {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: SentSpan[] }[] }[];
}

type Span = SentSpan & { worker: string };

const spans: Span[] = [];
let receiver: Server;
let cluster: ProcessCluster;

function take(sent: Sent): void {
  for (const { resource, scopeSpans } of sent.resourceSpans) {
    const worker =
      resource.attributes.find(({ key }) => key === 'service.instance.id')?.value.stringValue ?? '';
    for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ ...span, worker });
  }
}

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      take(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Sent);
      response.setHeader('Content-Type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}/v1/traces`;
  cluster = await ProcessCluster.start(['--partitions', '16', '--traces-endpoint', endpoint]);
}, 300_000);

afterAll(async () => {
  await cluster.stop();
  receiver.closeAllConnections();
  receiver.close();
});

async function put(index: number, key: string, traceparent: string): Promise<void> {
  const url = `${cluster.workerUrl(index)}/v1/kv/${key}`;
  const reply = await fetch(url, { method: 'PUT', body: 'value', headers: { traceparent } });
  expect(reply.ok).toBe(true);
}

it('a write is one trace from the client through the worker it spoke to, to the primary and its quorum', async () => {
  const { primary } = await cluster.explain('traced');
  const other = [0, 1, 2, 3].find((index) => `worker-${index + 1}` !== primary) ?? 0;
  await put(other, 'traced', `00-${traceId}-${clientSpan}-01`);
  const own = () => spans.filter((span) => span.traceId === traceId);
  await eventually('all spans of the write', () => Promise.resolve(own().length >= 6 ? true : undefined));
  const named = (name: string) => {
    const found = own().filter((span) => span.name === name);
    expect([name, found.length]).toEqual([name, 1]);
    const [span] = found;
    if (span === undefined) throw new Error(name);
    return span;
  };
  const parents = ['write', 'route', 'reply', 'commit', 'queue', 'replicate'].map((name) => {
    const { parentSpanId } = named(name);
    return [name, own().find(({ spanId }) => spanId === parentSpanId)?.name ?? parentSpanId];
  });
  expect(parents).toEqual([
    ['write', clientSpan],
    ['route', 'write'],
    ['reply', 'write'],
    ['commit', 'route'],
    ['queue', 'commit'],
    ['replicate', 'commit'],
  ]);
  expect(named('write').worker).toBe(`worker-${other + 1}`);
  expect(named('commit').worker).toBe(primary);
  expect(named('replicate').worker).toBe(primary);
  for (const span of own()) {
    expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
    expect(JSON.stringify(span.attributes)).not.toContain('traced');
  }
  const outcome = named('commit').attributes.find(({ key }) => key === 'kvorum.outcome');
  expect(outcome?.value.stringValue).toBe('applied');
});

it('what the client does not sample is not sent, and a malformed header begins a new trace', async () => {
  const unsampled = '11111111111111111111111111111111';
  await put(0, 'quiet', `00-${unsampled}-${clientSpan}-00`);
  const before = new Set(spans.map((span) => span.traceId));
  await put(0, 'malformed', 'nonsense');
  await eventually('a trace of its own', () =>
    Promise.resolve(
      spans.some(
        (span) => span.name === 'write' && span.parentSpanId === undefined && !before.has(span.traceId),
      )
        ? true
        : undefined,
    ),
  );
  expect(spans.filter((span) => span.traceId === unsampled)).toEqual([]);
});
