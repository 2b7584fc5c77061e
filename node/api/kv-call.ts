/**
 * A request for a key, checked and understood before one byte of its body is read: whatever can be refused is
 * refused here. The result is what the store is asked.
 */
import { KvorumError } from '../../core/errors.js';
import type { Limits } from '../../core/limits.js';
import type { ReadOperation, Version, WriteOperation } from '../../core/protocol/operation.js';
import { parseTagCondition, parseVersion, writePrecondition } from './entity-tag.js';
import type { TagCondition } from './entity-tag.js';
import { kvPrefix, parseKey, parseQuery, splitTarget } from './key-path.js';
import type { RequestHead } from './http/request-head.js';

export interface ReadCall {
  type: 'read';
  operation: ReadOperation;
  ifMatch: TagCondition | null;
  ifNoneMatch: TagCondition | null;
}

export interface WriteCall {
  type: 'write';
  /** Its value is still to come. */
  operation: WriteOperation;
  /** Of a PUT: the key as it stands in the path. */
  encodedKey: string;
}

export type KvCall = ReadCall | WriteCall;

export const kvMethods = ['GET', 'HEAD', 'PUT', 'DELETE'] as const;
const readParameters = ['consistency', 'atLeast'];
const textLengthMax = 255;
const noValue = new Uint8Array(0);
const mediaType = /^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+[ \t]*(?:;[\x20-\x7e\t]*)?$/;
const printable = /^[\x20-\x7e]{1,255}$/;

/** Throws {@link KvorumError}. */
export function parseCall(head: RequestHead, limits: Limits): KvCall {
  const { method } = head;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'PUT' && method !== 'DELETE')
    throw new KvorumError('method-not-allowed', `A key takes ${kvMethods.join(', ')}, not ${method}.`);
  const { path, query } = splitTarget(head.target);
  const key = parseKey(path, limits.keyBytesMax);
  if (method === 'PUT') {
    const call = putCall(head, key, query, limits);
    call.encodedKey = path.slice(kvPrefix.length);
    return call;
  }
  if (head.isChunked || (head.contentLength ?? 0) > 0)
    throw new KvorumError('unexpected-body', `${method} takes no body.`);
  if (method === 'DELETE') {
    parseQuery(query, []);
    return writeCall('delete', head, key, '');
  }
  return readCall(head, key, query);
}

function putCall(head: RequestHead, key: Uint8Array, query: string, limits: Limits): WriteCall {
  parseQuery(query, []);
  if (head.contentRange !== null)
    throw new KvorumError('malformed-header', 'Content-Range: a value is replaced as a whole');
  const coding = head.contentEncoding?.toLowerCase() ?? 'identity';
  if (coding !== 'identity')
    throw new KvorumError('unsupported-media-type', 'Content-Encoding is not kept: send the value as it is.');
  if (head.contentLength === null && !head.isChunked)
    throw new KvorumError('length-required', 'A PUT says Content-Length, or sends its body in chunks.');
  if ((head.contentLength ?? 0) > limits.valueBytesMax) throw valueTooLarge(limits);
  return writeCall('put', head, key, parseContentType(head.contentType));
}

export function valueTooLarge(limits: Limits): KvorumError {
  return new KvorumError('value-too-large', `A value is at most ${limits.valueBytesMax} bytes.`);
}

function writeCall(
  type: 'put' | 'delete',
  head: RequestHead,
  key: Uint8Array,
  contentType: string,
): WriteCall {
  const precondition = writePrecondition(head.ifMatch, head.ifNoneMatch);
  const idempotencyKey = head.idempotencyKey ?? '';
  if (head.idempotencyKey !== null && !printable.test(idempotencyKey))
    throw new KvorumError('malformed-header', 'Idempotency-Key: 1 to 255 printable ASCII characters');
  const operation: WriteOperation = { type, key, value: noValue, contentType, precondition, idempotencyKey };
  if (head.traceparent !== null) operation.trace = head.traceparent;
  return { type: 'write', operation, encodedKey: '' };
}

function parseContentType(value: string | null): string {
  if (value === null || value === '') return '';
  if (value.length > textLengthMax || !mediaType.test(value) || value.includes('\t'))
    throw new KvorumError(
      'unsupported-media-type',
      `Content-Type: a media type of at most ${textLengthMax} ASCII characters`,
    );
  return value;
}

function readCall(head: RequestHead, key: Uint8Array, query: string): ReadCall {
  const parameters = query === '' ? null : parseQuery(query, readParameters);
  const consistency = parameters?.get('consistency') ?? 'linearizable';
  if (consistency !== 'linearizable' && consistency !== 'eventual')
    throw new KvorumError('malformed-query', 'consistency is linearizable or eventual');
  const { ifMatch, ifNoneMatch } = head;
  return {
    type: 'read',
    operation: {
      key,
      consistency,
      atLeast: parseAtLeast(parameters?.get('atLeast')),
      headOnly: head.method === 'HEAD',
    },
    ifMatch: ifMatch === null ? null : parseTagCondition('If-Match', ifMatch),
    ifNoneMatch: ifNoneMatch === null ? null : parseTagCondition('If-None-Match', ifNoneMatch),
  };
}

/** With the quotes of the entity tag or without. */
function parseAtLeast(text: string | undefined): Version | null {
  if (text === undefined) return null;
  const version = parseVersion(/^"(.*)"$/.exec(text)?.[1] ?? text);
  if (version === null)
    throw new KvorumError('malformed-query', 'atLeast is a version like 3-17, from an ETag or a receipt');
  return version;
}
