/**
 * The API server as the operator needs it: requests that are answered or not, and watches. The shipping
 * adapter speaks HTTPS; the tests have one in memory whose time is virtual.
 */
import type { ApiObject } from './api-objects.js';

export type ContentType =
  | 'application/json'
  | 'application/merge-patch+json'
  /** Server-side apply; JSON is YAML too. */
  | 'application/apply-patch+yaml';

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  contentType?: ContentType;
  /** Metadata alone is asked for, in lists. */
  metadataOnly?: boolean;
  timeoutMs?: number;
}

/** `unanswered`: whether it was done is not known. */
export type ApiReply =
  | { type: 'done'; status: number; body: unknown }
  | { type: 'refused'; status: number; body: unknown }
  | { type: 'unanswered'; reason: string };

export function replyOf(status: number, body: unknown): ApiReply {
  return { type: status >= 200 && status < 300 ? 'done' : 'refused', status, body };
}

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: ApiObject;
}

export interface WatchHandler {
  event(event: WatchEvent): void;
  /** Once; nothing comes afterwards. `status`: of the reply, 200 for a watch that ended; 0 without one. */
  ended(status: number, reason: string): void;
}

export interface ApiTransport {
  /** Never rejects. */
  request(request: ApiRequest): Promise<ApiReply>;
  /** Answers the function that ends it; after which the handler is not called any more. */
  watch(path: string, query: Record<string, string>, handler: WatchHandler): () => void;
}

/** What a reply that is no success says, in one line. */
export function explain(reply: ApiReply): string {
  if (reply.type === 'unanswered') return reply.reason;
  const { message, reason } = statusOf(reply.body);
  return `${reply.status} ${message === '' ? reason : message}`.trim();
}

export interface StatusDetails {
  reason: string;
  message: string;
  /** Of the object that it speaks of. */
  name: string;
}

/** The fields of a `Status` object; empty ones where the body is something else. */
export function statusOf(body: unknown): StatusDetails {
  const empty = { reason: '', message: '', name: '' };
  if (typeof body !== 'object' || body === null || !('kind' in body) || body.kind !== 'Status') return empty;
  const status = body as { reason?: unknown; message?: unknown; details?: { name?: unknown } };
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return { reason: text(status.reason), message: text(status.message), name: text(status.details?.name) };
}

/** The API server itself says that there is no such object; a proxy's 404 says nothing. */
export function isNotFound(reply: ApiReply, name: string): boolean {
  if (reply.type !== 'refused' || reply.status !== 404) return false;
  const status = statusOf(reply.body);
  return status.reason === 'NotFound' && status.name === name;
}
