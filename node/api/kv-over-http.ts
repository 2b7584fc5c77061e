/** `/v1/kv` over Node's own HTTP server: collects the body, within its bounds, and writes the reply. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KvorumError } from '../../core/errors.js';
import { valueTooLarge } from './kv-call.js';
import type { KvCall } from './kv-call.js';
import type { KvEndpoint } from './kv-endpoint.js';
import type { Reply } from './reply.js';
import { addField, checkFraming, fieldsMax, newHead } from './request-head.js';
import type { RequestHead } from './request-head.js';

export class KvOverHttp {
  constructor(
    private readonly endpoint: KvEndpoint,
    private readonly isLeaving: () => boolean,
  ) {}

  handle(request: IncomingMessage, response: ServerResponse): void {
    const method = request.method ?? '';
    let call: KvCall;
    try {
      call = this.endpoint.accept(readHead(request));
    } catch (error) {
      this.write(response, this.endpoint.refuse(method, error), true);
      return;
    }
    const chunks: Buffer[] = [];
    let byteCount = 0;
    request.on('data', (chunk: Buffer) => {
      byteCount += chunk.length;
      if (byteCount <= this.endpoint.limits.valueBytesMax) chunks.push(chunk);
      else if (!response.headersSent)
        this.write(response, this.endpoint.refuse(method, valueTooLarge(this.endpoint.limits)), true);
    });
    request.on('end', () => {
      if (response.headersSent) return;
      this.endpoint.perform(method, call, new Uint8Array(Buffer.concat(chunks)), (reply) =>
        this.write(response, reply, false),
      );
    });
    request.on('error', () => undefined);
  }

  private write(response: ServerResponse, reply: Reply, close: boolean): void {
    const headers = [...reply.headers];
    if (close || this.isLeaving()) headers.push('Connection', 'close');
    const hasBody = response.req.method !== 'HEAD' && reply.status !== 204 && reply.status !== 304;
    if (hasBody) headers.push('Content-Length', String(reply.body.length));
    response.writeHead(reply.status, headers);
    response.end(hasBody ? reply.body : undefined);
  }
}

function readHead(request: IncomingMessage): RequestHead {
  const fields = request.rawHeaders;
  if (fields.length > 2 * fieldsMax)
    throw new KvorumError('headers-too-large', `A request has at most ${fieldsMax} header fields.`);
  const head = newHead(request.method ?? '', request.url ?? '');
  for (let at = 0; at + 1 < fields.length; at += 2) addField(head, fields[at] ?? '', fields[at + 1] ?? '');
  checkFraming(head);
  return head;
}
