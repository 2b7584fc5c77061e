/**
 * The contract, served at `/openapi.json`. Tests check real replies against it, so it cannot drift from what
 * is served.
 */
import { errorKinds } from '../../core/errors.js';
import type { ErrorCode } from '../../core/errors.js';
import { schemas } from './openapi-schemas.js';

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
const etagPattern = '^"[1-9][0-9]*-[1-9][0-9]*"$';
const etag = {
  description: 'The version of the value: `"epoch-seq"`. Never the same for two values of a key.',
  schema: { type: 'string', pattern: etagPattern },
};
const requiredEtag = { ...etag, required: true };
const replayed = {
  description: 'Present if the answer is that of an earlier request with the same Idempotency-Key.',
  schema: { const: 'true' },
};
const stale = {
  description: 'On reads that any replica may answer: how old the answer may be, in milliseconds.',
  schema: { type: 'string', pattern: '^[0-9]+$' },
};
const requestIdSent = {
  description:
    'Names the request in the log of the worker; replies to requests that came with one have it too.',
  schema: { type: 'string', minLength: 1, maxLength: 128 },
};
const retryAfter = {
  required: true,
  description: 'Seconds.',
  schema: { type: 'string', pattern: '^[0-9]+$' },
};

/** Problems of several codes, by status. */
function problems(...codes: ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorKinds[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => {
      const description = all.map((code) => `${errorKinds[code].title} (\`${code}\`)`).join('; ');
      return [String(status), { description, headers: problemHeaders(status), content: problemContent }];
    }),
  );
}

function problemHeaders(status: number): Record<string, object> {
  return { ...ownHeaders(status), ...(status >= 500 ? { 'X-Request-Id': requestIdSent } : {}) };
}

function ownHeaders(status: number): Record<string, object> {
  if (status === 429 || status === 503 || status === 507) return { 'Retry-After': retryAfter };
  if (status === 412) return { ETag: etag };
  if (status === 404) return { 'Kvorum-Stale-Ms': stale };
  if (status === 405) return { Allow: { required: true, schema: { type: 'string' } } };
  return {};
}

const always = problems(
  'malformed-request',
  'malformed-key',
  'malformed-query',
  'unknown-parameter',
  'malformed-header',
  'unexpected-body',
  'method-not-allowed',
  'request-timeout',
  'target-too-long',
  'expectation-failed',
  'overloaded',
  'headers-too-large',
  'not-implemented',
  'no-quorum',
  'moving',
  'unavailable',
  'unsupported-version',
);
const reading = { ...always, ...problems('key-not-found', 'precondition-failed') };
const writing = {
  ...always,
  ...problems('precondition-failed', 'idempotency-key-reused', 'outcome-unknown', 'disk-full'),
};

function header(name: string, description: string, schema: object = { type: 'string' }) {
  return { name, in: 'header', required: false, description, schema };
}
function query(name: string, description: string, schema: object) {
  return { name, in: 'query', required: false, description, schema };
}

const keyParameter = {
  name: 'key',
  in: 'path',
  required: true,
  description:
    '1 to 1,024 bytes of UTF-8 without NUL, percent-encoded; `/` may stand for itself. Taken literally.',
  schema: { type: 'string', minLength: 1 },
};
const ifMatch = header('If-Match', 'Only if the key is in one of these versions, or, with *, exists.');
const ifNoneMatch = header(
  'If-None-Match',
  'Only if the key is in none of these versions, or, with *, absent.',
);
const idempotencyKey = header(
  'Idempotency-Key',
  '1 to 255 printable ASCII characters: a repetition with the same key gets the first answer.',
  { type: 'string', minLength: 1, maxLength: 255 },
);
const requestId = header('X-Request-Id', '1 to 128 visible ASCII characters: the name of the request.');
const readParameters = [
  query('consistency', '`eventual`: any replica may answer, from committed data.', {
    enum: ['linearizable', 'eventual'],
    default: 'linearizable',
  }),
  query('atLeast', 'A version: any replica may answer that has got that far.', { type: 'string' }),
  ifMatch,
  ifNoneMatch,
  requestId,
];

function valueResponses(content: object | null): Record<string, object> {
  const headers = { ETag: requiredEtag, 'Kvorum-Stale-Ms': stale };
  return {
    '200': { description: 'The value.', headers, ...(content === null ? {} : { content }) },
    '304': { description: 'The key is in the version that If-None-Match names.', headers },
    ...reading,
  };
}

const rawContent = { '*/*': { schema: {} } };
const receiptResponse = (description: string) => ({
  description,
  headers: { ETag: requiredEtag, 'Idempotency-Replayed': replayed },
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Receipt' } } },
});

const keyOperations = {
  parameters: [keyParameter],
  get: {
    operationId: 'getValue',
    summary: 'Reads a value',
    parameters: readParameters,
    responses: valueResponses(rawContent),
  },
  head: {
    operationId: 'headValue',
    summary: 'The headers of a value, without its length',
    parameters: readParameters,
    responses: valueResponses(null),
  },
  put: {
    operationId: 'putValue',
    summary: 'Stores the body under the key',
    parameters: [ifMatch, ifNoneMatch, idempotencyKey, requestId],
    requestBody: { required: true, description: 'The value, as it is.', content: rawContent },
    responses: {
      '200': receiptResponse('Replaced.'),
      '201': receiptResponse('Created.'),
      ...writing,
      ...problems('length-required', 'value-too-large', 'unsupported-media-type'),
    },
  },
  delete: {
    operationId: 'deleteValue',
    summary: 'Removes the key',
    parameters: [ifMatch, ifNoneMatch, idempotencyKey, requestId],
    responses: {
      '204': {
        description: 'Removed.',
        headers: {
          'Kvorum-Version': {
            required: true,
            description: 'The version of the removal, for `atLeast`.',
            schema: { type: 'string', pattern: '^[1-9][0-9]*-[1-9][0-9]*$' },
          },
          'Idempotency-Replayed': replayed,
        },
      },
      ...writing,
      ...problems('key-not-found'),
    },
  },
};

function view(operationId: string, summary: string, schema: string, ...codes: ErrorCode[]) {
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
  const responses = {
    '200': { description: summary, content },
    ...problems('unknown-parameter', 'method-not-allowed', 'internal', ...codes),
  };
  return { get: { operationId, summary, responses } };
}

const explanation = view(
  'explainKey',
  'Where a key lives, and whether it is safe',
  'Explanation',
  'malformed-key',
  'unavailable',
);

const activity = {
  ...view('getActivity', 'This worker’s last minutes and its disk', 'Activity', 'malformed-query'),
  parameters: [
    {
      name: 'since',
      in: 'query',
      description: 'The first slot of time that is wanted; all that are kept if it is left out.',
      schema: { type: 'integer', minimum: 0 },
    },
  ],
};

export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'Kvorum',
    version: '1',
    description:
      'Linearizable reads and writes of single keys, on any worker. 503 means that nothing was applied; ' +
      '504 means that the outcome is unknown.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  paths: {
    '/v1/kv/{key}': keyOperations,
    '/v1/explain/{key}': { parameters: [keyParameter], ...explanation },
    '/v1/ring': view('getRing', 'The ring record that this worker holds', 'Ring', 'unavailable'),
    '/v1/status': view('getStatus', 'The cluster as this worker sees it', 'Status'),
    '/v1/activity': activity,
    '/livez': view('getLiveness', 'The process is well', 'Probe', 'unavailable'),
    '/readyz': view('getReadiness', 'The worker takes requests', 'Probe', 'unavailable'),
    '/startupz': view('getStartup', 'The worker has started', 'Probe', 'unavailable'),
    '/metrics': {
      get: {
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus',
        responses: {
          '200': { description: 'Text format.', content: { 'text/plain': { schema: { type: 'string' } } } },
          ...problems('unknown-parameter', 'method-not-allowed', 'internal'),
        },
      },
    },
    '/openapi.json': {
      get: {
        operationId: 'getContract',
        summary: 'This document',
        responses: {
          '200': {
            description: 'OpenAPI 3.1',
            content: { 'application/json': { schema: { type: 'object', required: ['openapi', 'paths'] } } },
          },
          ...problems('unknown-parameter', 'method-not-allowed', 'internal'),
        },
      },
    },
    '/': view('getIndex', 'What there is', 'Index'),
  },
  components: { schemas },
};
