// Run by `helm test` in a pod of its own: what was written is read back, a stale condition is refused, and
// the key is gone afterwards. Exits with 1 and a sentence at the first answer that is not right.
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';

const store = process.env.STORE;
const url = `${store}/v1/kv/helm-test/${randomUUID()}`;
const value = `written at ${new Date().toISOString()}`;
const patienceMs = 60_000;

/** A store that was just installed may still be electing; what was not applied may be repeated. */
async function call(method, options = {}) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    let seen;
    try {
      const response = await fetch(url, { method, ...options, signal: AbortSignal.timeout(10_000) });
      const body = await response.text();
      if (response.status < 429) return { status: response.status, etag: response.headers.get('etag'), body };
      seen = `${response.status} ${body}`;
    } catch (error) {
      seen = `${error.message} ${error.cause?.message ?? ''}`;
    }
    if (Date.now() > deadline) throw new Error(`${method} ${url}: ${seen}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const written = await call('PUT', { body: value, headers: { 'Content-Type': 'text/plain' } });
assert.ok(
  written.status === 201 || written.status === 200,
  `PUT answered ${written.status}: ${written.body}`,
);
assert.ok(written.etag, 'PUT answered without an ETag');
console.log(`written  ${url} as ${written.etag}`);

const read = await call('GET');
assert.equal(read.status, 200, `GET answered ${read.status}: ${read.body}`);
assert.equal(read.body, value, 'GET returned something else than what was written');
console.log('read     the same value');

const refused = await call('PUT', { body: 'must not be stored', headers: { 'If-Match': '"0-1"' } });
assert.equal(refused.status, 412, `a PUT on a stale condition answered ${refused.status}: ${refused.body}`);
console.log('refused  a write on a stale condition');

const deleted = await call('DELETE');
assert.ok(
  deleted.status === 204 || deleted.status === 404,
  `DELETE answered ${deleted.status}: ${deleted.body}`,
);
const gone = await call('GET');
assert.equal(gone.status, 404, `GET of a deleted key answered ${gone.status}`);
console.log('deleted  the key\nall is well');
