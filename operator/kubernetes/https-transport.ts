/**
 * Requests and watches over HTTPS. Addresses, certificates and tokens come from the client library's
 * configuration, which reads a mounted token anew when it changes; bodies stay the JSON that the API server
 * sent, since server-side apply and optimistic concurrency both need them unaltered.
 */
import http from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { replyOf } from './api-transport.js';
import { JsonLines } from './json-lines.js';
import type { ApiReply, ApiRequest, ApiTransport, WatchEvent, WatchHandler } from './api-transport.js';

const replyBytesMax = 64 * 1024 * 1024;
const watchLineBytesMax = 16 * 1024 * 1024;
const requestTimeoutMs = 10_000;
/** A watch ends by itself after this and is taken up again, so that a dead connection is noticed. */
const watchSeconds = 30;
const watchSilentMs = 45_000;
const socketsMax = 16;
const metadataList = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

export class HttpsTransport implements ApiTransport {
  private readonly agent: http.Agent | https.Agent;
  private readonly server: string;

  constructor(private readonly config: KubeConfig) {
    this.server = config.getCurrentCluster()?.server ?? '';
    const options = { keepAlive: true, keepAliveMsecs: 5_000, maxSockets: socketsMax };
    this.agent = this.server.startsWith('http:') ? new http.Agent(options) : new https.Agent(options);
  }

  async request(request: ApiRequest): Promise<ApiReply> {
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    const headers: http.OutgoingHttpHeaders = {
      accept: request.metadataOnly === true ? metadataList : 'application/json',
    };
    if (body !== null) {
      headers['content-type'] = request.contentType ?? 'application/json';
      headers['content-length'] = Buffer.byteLength(body);
    }
    try {
      const timeoutMs = request.timeoutMs ?? requestTimeoutMs;
      const call = await this.open(request.method, request.path, request.query ?? {}, headers);
      return await new Promise<ApiReply>((resolve) => collect(call, body, timeoutMs, resolve));
    } catch (error) {
      return { type: 'unanswered', reason: textOf(error) };
    }
  }

  watch(path: string, query: Record<string, string>, handler: WatchHandler): () => void {
    const state: { ended: boolean; call: http.ClientRequest | null } = { ended: false, call: null };
    const end = (status: number, reason: string) => {
      if (state.ended) return;
      state.ended = true;
      state.call?.destroy();
      handler.ended(status, reason);
    };
    const asked = { ...query, watch: 'true', timeoutSeconds: String(watchSeconds) };
    this.open('GET', path, asked, { accept: 'application/json' }).then(
      (call) => {
        state.call = call;
        if (state.ended) call.destroy();
        else follow(call, { event: (event) => state.ended || handler.event(event), ended: end });
      },
      (error: unknown) => end(0, textOf(error)),
    );
    return () => {
      state.ended = true;
      state.call?.destroy();
    };
  }

  close(): void {
    this.agent.destroy();
  }

  private async open(
    method: string,
    path: string,
    query: Record<string, string>,
    headers: http.OutgoingHttpHeaders,
  ): Promise<http.ClientRequest> {
    const options: https.RequestOptions = { headers: {} };
    await this.config.applyToHTTPSOptions(options);
    const url = new URL(this.server.replace(/\/$/, '') + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const proxied = this.config.getCurrentCluster()?.proxyUrl !== undefined;
    const full = {
      ...options,
      method,
      headers: { ...(options.headers as http.OutgoingHttpHeaders), ...headers },
      ...(proxied ? {} : { agent: this.agent }),
    };
    return url.protocol === 'http:' ? http.request(url, full) : https.request(url, full);
  }
}

function collect(
  call: http.ClientRequest,
  body: string | null,
  timeoutMs: number,
  resolve: (reply: ApiReply) => void,
): void {
  const finish = (reply: ApiReply) => {
    clearTimeout(timer);
    resolve(reply);
  };
  const fail = (reason: string) => {
    call.destroy();
    finish({ type: 'unanswered', reason });
  };
  const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
  call.on('error', (error) => fail(textOf(error)));
  call.on('response', (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > replyBytesMax) fail('the answer is too long');
      else chunks.push(chunk);
    });
    response.on('error', (error) => fail(textOf(error)));
    response.on('close', () => {
      if (!response.complete) fail('the answer broke off');
    });
    response.on('end', () => {
      const status = response.statusCode ?? 0;
      finish(replyOf(status, parsed(Buffer.concat(chunks).toString('utf8'))));
    });
  });
  call.end(body ?? undefined);
}

/** The JSON of a body; the text itself where it is none, as from a proxy. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function follow(call: http.ClientRequest, handler: WatchHandler): void {
  call.setTimeout(watchSilentMs, () => handler.ended(0, 'silent for too long'));
  call.on('error', (error) => handler.ended(0, textOf(error)));
  call.on('response', (response) => {
    const status = response.statusCode ?? 0;
    const lines = new JsonLines(watchLineBytesMax, (value) => {
      if (isWatchEvent(value)) handler.event(value);
    });
    response.on('data', (chunk: Buffer) => {
      if (status !== 200) return;
      const problem = lines.push(chunk);
      if (problem !== null) handler.ended(0, problem);
    });
    response.on('error', (error) => handler.ended(0, textOf(error)));
    response.on('close', () => handler.ended(status, status === 200 ? 'ended' : `status ${status}`));
  });
  call.end();
}

function isWatchEvent(value: unknown): value is WatchEvent {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('object' in value)) return false;
  return typeof value.type === 'string' && typeof value.object === 'object' && value.object !== null;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return error.message === '' ? (code ?? error.name) : error.message;
}
