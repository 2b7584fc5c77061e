/**
 * What a client is told when the cluster cannot do what it asks: what was applied, and whether to try again.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NotAppliedReason } from '../../../core/protocol/operation.js';
import { kvPath, problemIn } from './contract.js';
import { RunningApi } from './running-api.js';

let api: RunningApi;

beforeEach(async () => {
  api = await new RunningApi().start();
});
afterEach(() => api.stop());

describe('a write that was not applied', () => {
  it.each<[NotAppliedReason, number, string, string | null]>([
    ['noQuorum', 503, 'no-quorum', '1'],
    ['moving', 503, 'moving', '1'],
    ['moved', 503, 'unavailable', '1'],
    ['unavailable', 503, 'unavailable', '1'],
    ['overloaded', 429, 'overloaded', '1'],
    ['full', 507, 'disk-full', '1'],
    ['idempotencyConflict', 422, 'idempotency-key-reused', null],
  ])('because of %s is %d', async (reason, status, code, retryAfter) => {
    api.store.refusal = reason;
    for (const method of ['PUT', 'DELETE']) {
      const response = await api.fetch('/v1/kv/a', { method, body: method === 'PUT' ? 'x' : null });
      expect(response.headers.get('Retry-After')).toBe(retryAfter);
      const problem = await problemIn(method, kvPath, response);
      expect(problem).toMatchObject({ status, code, applied: 'nothing', retryable: retryAfter !== null });
      expect(problem.detail).toContain(`because ${reason}`);
    }
  });
});

describe('a write whose outcome is unknown', () => {
  it('is 504 and says what can be done', async () => {
    api.store.refusal = 'unknown';
    for (const method of ['PUT', 'DELETE']) {
      const response = await api.fetch('/v1/kv/a', { method, body: method === 'PUT' ? 'x' : null });
      expect(response.headers.get('Retry-After')).toBeNull();
      const problem = await problemIn(method, kvPath, response);
      expect(problem).toMatchObject({ status: 504, code: 'outcome-unknown', applied: 'unknown' });
      expect(problem).toMatchObject({ retryable: false });
      expect(problem.detail).toMatch(/may or may not .* the stream broke/);
    }
  });
});

describe('a request', () => {
  it('that failed is found in the log under the name that the client was told', async () => {
    api.store.refusal = 'noQuorum';
    const response = await api.fetch('/v1/kv/a', { method: 'PUT', body: 'x' });
    const requestId = response.headers.get('X-Request-Id') ?? '';
    expect(requestId).toMatch(/^[0-9a-f]{32}$/);
    expect(api.logLines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'warn', msg: 'request failed', requestId, method: 'PUT', status: 503, code: 'no-quorum' },
    ]);
  });

  it.each(['/v1/kv/a', '/v1/status', '/nowhere', '/v1/kv/'])(
    'to %s that the client has named keeps its name',
    async (path) => {
      const named = await api.fetch(path, { headers: { 'X-Request-Id': 'order-4711' } });
      expect(named.headers.get('X-Request-Id')).toBe('order-4711');
      const next = await api.fetch(path);
      expect(next.headers.get('X-Request-Id')).toBeNull();
      const unusable = await api.fetch(path, { headers: { 'X-Request-Id': 'x'.repeat(129) } });
      expect(unusable.headers.get('X-Request-Id')).toBeNull();
      expect(unusable.status).toBe(next.status);
    },
  );
});

describe('a read that cannot be answered', () => {
  it.each<[NotAppliedReason, number]>([
    ['noQuorum', 503],
    ['unavailable', 503],
    ['overloaded', 429],
  ])('because of %s is %d', async (reason, status) => {
    api.store.refusal = reason;
    const response = await api.fetch('/v1/kv/a');
    expect(await problemIn('GET', kvPath, response)).toMatchObject({ status, retryable: true });
  });
});
