/**
 * Clients of a real cluster that write down what they asked and what they heard, for the judges of
 * linearizability.
 */
import { partitionOf } from '../../core/ring/hash.js';
import type { Precondition, Version } from '../../core/protocol/operation.js';
import type { HistoryCall, ReadResult, WriteResult } from '../simulation/judges/history.js';

const noPrecondition: Precondition = { type: 'none', versions: null };

export interface RecordedWrite {
  status: number;
  result: WriteResult;
}

export class Recorder {
  readonly history: HistoryCall[] = [];
  /** Calls that got neither an answer of success nor one that tells something of the key. */
  readonly failures: { invokedAt: number; what: string }[] = [];
  private nextId = 0;

  constructor(
    private readonly partitionCount: number,
    /** What values are made longer by, where their size matters. */
    private readonly padding = '',
  ) {}

  async put(url: string, key: string, precondition = noPrecondition): Promise<RecordedWrite> {
    const id = (this.nextId += 1);
    const value = `value ${id}${this.padding}`;
    const invokedAt = performance.now();
    let status = 0;
    let result: WriteResult = { type: 'unknown' };
    try {
      const reply = await fetch(`${url}/v1/kv/${key}`, {
        method: 'PUT',
        body: value,
        headers: headersFor(precondition),
        signal: AbortSignal.timeout(15_000),
      });
      const text = await reply.text();
      status = reply.status;
      result = writeResult(reply, text);
    } catch (error) {
      this.failures.push({ invokedAt, what: String(error) });
    }
    if (status >= 500 || status === 429) this.failures.push({ invokedAt, what: `PUT ${status}` });
    this.history.push({
      ...this.call(id, key, invokedAt, result.type === 'unknown'),
      kind: 'put',
      value,
      precondition,
      idempotencyKey: '',
      result,
    });
    return { status, result };
  }

  async get(url: string, key: string): Promise<ReadResult> {
    const id = (this.nextId += 1);
    const invokedAt = performance.now();
    let result: ReadResult = { type: 'failed' };
    try {
      const reply = await fetch(`${url}/v1/kv/${key}`, { signal: AbortSignal.timeout(15_000) });
      const value = await reply.text();
      const version = versionOf(reply.headers.get('etag'));
      if (reply.status === 200 && version !== null) result = { type: 'found', version, value };
      else if (reply.status === 404) result = { type: 'missing' };
      else this.failures.push({ invokedAt, what: `GET ${reply.status}` });
    } catch (error) {
      this.failures.push({ invokedAt, what: String(error) });
    }
    const call = this.call(id, key, invokedAt, false);
    this.history.push({ ...call, kind: 'read', consistency: 'linearizable', atLeast: null, result });
    return result;
  }

  /** Puts and gets in turn, over keys and workers, until `stop` says so. */
  async clientLoop(urls: string[], keys: string[], stop: () => boolean): Promise<void> {
    for (let turn = 0; !stop(); turn += 1) {
      const url = urls[Math.floor(Math.random() * urls.length)] ?? '';
      const key = keys[Math.floor(Math.random() * keys.length)] ?? '';
      if (turn % 3 === 2) {
        const seen = await this.get(url, key);
        if (seen.type === 'found') await this.put(url, key, { type: 'ifMatch', versions: [seen.version] });
      } else {
        await this.put(url, key);
      }
    }
  }

  private call(id: number, key: string, invokedAt: number, unanswered: boolean) {
    const partition = partitionOf(Buffer.from(key), this.partitionCount);
    return { id, key, partition, invokedAt, returnedAt: unanswered ? Infinity : performance.now() };
  }
}

function headersFor(precondition: Precondition): Record<string, string> {
  const text = precondition.versions?.map(({ epoch, seq }) => `"${epoch}-${seq}"`).join(', ') ?? '*';
  if (precondition.type === 'ifMatch') return { 'If-Match': text };
  return precondition.type === 'ifNoneMatch' ? { 'If-None-Match': text } : {};
}

function versionOf(etag: string | null): Version | null {
  const [, epoch, seq] = /^"(\d+)-(\d+)"$/.exec(etag ?? '') ?? [];
  return epoch === undefined ? null : { epoch: Number(epoch), seq: Number(seq) };
}

function writeResult(reply: Response, body: string): WriteResult {
  const version = versionOf(reply.headers.get('etag'));
  if ((reply.status === 200 || reply.status === 201) && version !== null) {
    return { type: 'applied', version, created: reply.status === 201 };
  }
  if (reply.status === 412) return { type: 'preconditionFailed', current: version };
  if (reply.status === 503 || reply.status === 429 || reply.status === 507) return { type: 'notApplied' };
  if (reply.status === 504) return { type: 'unknown' };
  throw new Error(`unexpected answer ${reply.status}: ${body}`);
}
