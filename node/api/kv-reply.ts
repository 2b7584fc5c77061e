/** What the store answered, as HTTP. */
import { Buffer } from 'node:buffer';
import { unreachable } from '../../core/assert.js';
import type { ErrorCode } from '../../core/errors.js';
import type {
  NotApplied,
  NotAppliedReason,
  ReadOutcome,
  Version,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import { formatVersion, isListed } from './entity-tag.js';
import type { ReadCall, WriteCall } from './kv-call.js';
import { asciiJson, problemReply } from './reply.js';
import type { Reply } from './reply.js';

const codeOf: Record<NotAppliedReason, ErrorCode> = {
  moved: 'unavailable',
  unavailable: 'unavailable',
  moving: 'moving',
  noQuorum: 'no-quorum',
  overloaded: 'overloaded',
  full: 'disk-full',
  idempotencyConflict: 'idempotency-key-reused',
};

/** Values are anybody's: browsers must neither guess what they are nor run them with this origin's rights. */
const valueFields =
  'X-Content-Type-Options: nosniff\r\nContent-Security-Policy: sandbox\r\nCache-Control: no-cache\r\n';
const noFields: readonly string[] = [];

function notApplied(outcome: NotApplied, what: string): Reply {
  return problemReply(codeOf[outcome.reason], `${what}: ${outcome.detail}`);
}

function tagHeaders(version: Version | null): string[] {
  return version === null ? [] : ['ETag', `"${formatVersion(version)}"`];
}

export function writeReply(call: WriteCall, outcome: WriteOutcome): Reply {
  const { operation } = call;
  switch (outcome.type) {
    case 'applied':
      return operation.type === 'put' ? receipt(call, outcome) : deleted(outcome);
    case 'preconditionFailed': {
      const { current } = outcome;
      const now = current === null ? 'it does not exist' : `its version is "${formatVersion(current)}"`;
      const detail = `Nothing was applied: the key does not meet the condition; ${now}.`;
      return problemReply('precondition-failed', detail, tagHeaders(current));
    }
    case 'absent':
      return problemReply('key-not-found', 'Nothing was applied: there was nothing to delete.');
    case 'notApplied':
      return notApplied(outcome, 'Nothing was applied');
    case 'unknown':
      return problemReply(
        'outcome-unknown',
        `The write may or may not have been applied: ${outcome.reason}. ` +
          'Read the key, or repeat the request with a precondition or, if it had one, ' +
          'with the same Idempotency-Key.',
      );
    default:
      return unreachable(outcome);
  }
}

type Applied = Extract<WriteOutcome, { type: 'applied' }>;

/** Nothing that is encoded in a path, and nothing that JSON would escape. */
const plainKey = /^[!$&-[\]-~]+$/;

function keyAsJson({ operation: { key }, encodedKey }: WriteCall): string {
  if (plainKey.test(encodedKey)) return `"${encodedKey}"`;
  return asciiJson(Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8'));
}

function receipt(call: WriteCall, outcome: Applied): Reply {
  const { version, partition, acks } = outcome;
  const text = formatVersion(version);
  const body =
    `{"key":${keyAsJson(call)},"version":"${text}","partition":${partition},` +
    `"epoch":${version.epoch},"acks":${acks}}\n`;
  return {
    status: outcome.created ? 201 : 200,
    headers: outcome.replayed ? ['Idempotency-Replayed', 'true'] : [],
    fields: `Content-Type: application/json\r\nETag: "${text}"\r\n`,
    body,
  };
}

/** The version of the deletion: with `atLeast` a later read sees at least this. */
function deleted(outcome: Applied): Reply {
  const headers = ['Kvorum-Version', formatVersion(outcome.version)];
  if (outcome.replayed) headers.push('Idempotency-Replayed', 'true');
  return { status: 204, headers, body: '' };
}

export function readReply(call: ReadCall, outcome: ReadOutcome): Reply {
  if (outcome.type === 'notApplied') return notApplied(outcome, 'The key could not be read');
  const stale = outcome.staleMs === null ? noFields : ['Kvorum-Stale-Ms', String(Math.ceil(outcome.staleMs))];
  const version = outcome.type === 'found' ? outcome.row.version : null;
  if (call.ifMatch !== null && !isListed(call.ifMatch, version)) {
    const detail = 'The key is not in the version that If-Match asks for.';
    return problemReply('precondition-failed', detail, [...tagHeaders(version), ...stale]);
  }
  if (outcome.type === 'missing')
    return problemReply('key-not-found', 'There is no value under this key.', stale);
  if (call.ifNoneMatch !== null && isListed(call.ifNoneMatch, version))
    return { status: 304, headers: [...tagHeaders(version), ...stale], body: '' };
  const { contentType, value } = outcome.row;
  const type = contentType === '' ? 'application/octet-stream' : contentType;
  const fields = `Content-Type: ${type}\r\nETag: "${formatVersion(outcome.row.version)}"\r\n${valueFields}`;
  return { status: 200, headers: [...stale], fields, body: value, bodyBytes: outcome.valueBytes };
}
