/** The shapes of the bodies in the contract, as JSON Schema (the dialect of OpenAPI 3.1). */
import { errorKinds } from '../../core/errors.js';

const count = { type: 'integer', minimum: 0 } as const;
const text = { type: 'string' } as const;
const version = { type: 'string', pattern: '^[1-9][0-9]*-[1-9][0-9]*$' } as const;

function object(properties: Record<string, object>, optional: string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

const identity = { id: text, storeId: text };

export const schemas = {
  Receipt: object({
    key: text,
    version: { ...version, description: 'The value of the ETag, without its quotes.' },
    partition: count,
    epoch: { type: 'integer', minimum: 1 },
    acks: { type: 'integer', minimum: 1, description: 'Replicas known to hold the write durably.' },
  }),
  Problem: {
    description: 'RFC 9457. Switch on `type` or `code`, which never change; texts may.',
    ...object({
      type: { type: 'string', pattern: '^urn:kvorum:error:[a-z-]+$' },
      title: text,
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: text,
      code: { enum: Object.keys(errorKinds) },
      retryable: { type: 'boolean', description: 'The same request may succeed later.' },
      applied: { enum: ['nothing', 'unknown'], description: 'What of the request was applied.' },
    }),
  },
  Probe: object({ status: { const: 'ok' } }),
  Index: object({
    name: text,
    worker: text,
    keys: text,
    explain: text,
    links: { type: 'array', items: text },
  }),
  Status: object({
    ringVersion: count,
    phase: { enum: ['starting', 'ready', 'degraded', 'unavailable'] },
    workers: {
      type: 'array',
      items: object({
        id: text,
        url: text,
        pid: { type: ['integer', 'null'] },
        state: { enum: ['up', 'unreachable', 'draining'] },
        zone: text,
        primaries: count,
        replicas: count,
      }),
    },
    partitions: object({
      total: count,
      fullyReplicated: count,
      underReplicated: count,
      withoutQuorum: count,
      moving: count,
    }),
    seenBy: text,
  }),
  Activity: object({
    worker: text,
    run: { type: 'string', description: 'Another one after each start of the worker.' },
    slotMs: { type: 'integer', description: 'The length of a slot of time.' },
    slots: {
      type: 'array',
      items: object({
        slot: { type: 'integer', description: 'The wall clock in milliseconds divided by `slotMs`.' },
        failed: { type: 'integer', description: 'Writes from clients that were not acknowledged.' },
        counts: {
          type: 'array',
          description:
            'Pairs: a bucket b, and how many writes took more than 2^((b-1)/4)/16 and at most 2^(b/4)/16 milliseconds.',
          items: { type: 'array', items: count, minItems: 2, maxItems: 2 },
        },
      }),
    },
    disk: {
      anyOf: [object({ usedBytes: count, freeBytes: count }), { type: 'null' }],
      description: 'Of the worker’s folder; null if it cannot be told now.',
    },
  }),
  Explanation: object({
    key: text,
    partition: count,
    epoch: count,
    primary: text,
    voters: {
      type: 'array',
      items: object({
        id: text,
        url: { type: ['string', 'null'] },
        reachable: { type: 'boolean' },
        lag: { type: ['integer', 'null'], description: 'Entries that it lacks; null if not known here.' },
      }),
    },
    learners: { type: 'array', items: text },
    quorum: count,
    safe: { type: 'boolean', description: 'One more replica may be lost and the key can still be written.' },
    seenBy: text,
  }),
  Ring: object({
    formatVersion: { const: 1 },
    clusterId: text,
    version: count,
    epochCounter: count,
    partitionCount: count,
    replicationFactor: count,
    members: {
      type: 'object',
      additionalProperties: object({
        host: text,
        peerPort: count,
        clientPort: count,
        zone: text,
        state: { enum: ['active', 'draining'] },
      }),
    },
    partitions: {
      type: 'array',
      items: object({
        epoch: count,
        attempt: count,
        primary: object({ ...identity, bootCount: count }),
        voters: { type: 'array', items: object(identity) },
        learners: { type: 'array', items: object(identity) },
      }),
    },
  }),
} as const;
