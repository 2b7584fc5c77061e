/**
 * The ring document as a ConfigMap. A revision is its resourceVersion: a change is an update that carries the
 * one that was read, which the API server takes only while it is the newest. Reads go to the API server each
 * time.
 */
import type { RingRecord } from '../../core/ring/ring-record.js';
import type { LoadResult, Revision, RingStore, SwapResult } from '../ports.js';
import type { ConfigMap, OwnerReference } from './api-objects.js';
import { explain, isNotFound, statusOf } from './api-transport.js';
import type { ApiReply, ApiTransport } from './api-transport.js';
import { fieldManager } from './field-owner.js';
import { collectionPath, objectPath } from './resource-paths.js';
import { decodeRingContents, encodeRingContents } from './ring-encoding.js';

export interface ConfigMapRingStoreOptions {
  transport: ApiTransport;
  namespace: string;
  name: string;
  labels: Record<string, string>;
  /** With whom the document goes. */
  owner: OwnerReference;
  timeoutMs: number;
}

export class ConfigMapRingStore implements RingStore {
  /** Read again and again, and mostly the same: the same record then, that nobody has to look at anew. */
  private decoded: { contents: string; record: RingRecord } | null = null;

  constructor(private readonly options: ConfigMapRingStoreOptions) {}

  load(done: (result: LoadResult) => void): void {
    void this.read().then(done);
  }

  swap(expected: Revision | null, record: RingRecord, done: (result: SwapResult) => void): void {
    void this.write(expected, record).then((reply) => done(this.outcome(reply)));
  }

  private async read(): Promise<LoadResult> {
    const { transport, timeoutMs, name } = this.options;
    const reply = await transport.request({ method: 'GET', path: this.path(), timeoutMs });
    if (isNotFound(reply, name)) return { status: 'absent' };
    if (reply.type !== 'done') return { status: 'failed', reason: explain(reply) };
    return this.take(reply.body as ConfigMap);
  }

  private async take(object: ConfigMap): Promise<LoadResult> {
    const revision = object.metadata?.resourceVersion ?? '';
    if (revision === '') return { status: 'failed', reason: 'the answer is no ConfigMap' };
    let record: RingRecord;
    try {
      record = this.decode(object);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return { status: 'failed', reason: `ConfigMap ${this.options.name} cannot be read: ${problem}` };
    }
    const { uid } = this.options.owner;
    if (object.metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true) {
      return { status: 'loaded', record, revision };
    }
    return this.adopt(record, revision);
  }

  /** Throws an error that says what is wrong with the contents. */
  private decode({ data, binaryData }: ConfigMap): RingRecord {
    const contents = JSON.stringify({ data, binaryData });
    if (this.decoded?.contents !== contents) {
      this.decoded = { contents, record: decodeRingContents({ data, binaryData }) };
    }
    return this.decoded.record;
  }

  /** Left by an installation before this one: it would be cleared away with that one's owner. */
  private async adopt(record: RingRecord, revision: Revision): Promise<LoadResult> {
    const reply = await this.write(revision, record);
    const outcome = this.outcome(reply);
    if (outcome.status === 'swapped') return { status: 'loaded', record, revision: outcome.revision };
    const reason = outcome.status === 'conflict' ? 'it changes' : outcome.reason;
    return { status: 'failed', reason: `ConfigMap ${this.options.name} cannot be taken over: ${reason}` };
  }

  private write(expected: Revision | null, record: RingRecord): Promise<ApiReply> {
    const { transport, namespace, name, labels, owner, timeoutMs } = this.options;
    const metadata = { name, namespace, labels, ownerReferences: [owner] };
    const contents = encodeRingContents(record);
    const head = { apiVersion: 'v1', kind: 'ConfigMap' };
    const query = { fieldManager };
    if (expected === null) {
      const path = collectionPath('configmaps', namespace);
      return transport.request({
        method: 'POST',
        path,
        query,
        body: { ...head, metadata, ...contents },
        timeoutMs,
      });
    }
    const body = { ...head, metadata: { ...metadata, resourceVersion: expected }, ...contents };
    return transport.request({ method: 'PUT', path: this.path(), query, body, timeoutMs });
  }

  private outcome(reply: ApiReply): SwapResult {
    if (reply.type === 'done') {
      const revision = (reply.body as ConfigMap).metadata?.resourceVersion ?? '';
      return revision === ''
        ? { status: 'unknown', reason: 'an answer without resourceVersion' }
        : { status: 'swapped', revision };
    }
    if (reply.type === 'refused' && reply.status === 409) {
      const { reason } = statusOf(reply.body);
      if (reason === 'Conflict' || reason === 'AlreadyExists') return { status: 'conflict' };
    }
    // It is not at the revision that was expected: it is not there at all.
    if (isNotFound(reply, this.options.name)) return { status: 'conflict' };
    return { status: 'unknown', reason: explain(reply) };
  }

  private path(): string {
    return objectPath('configmaps', this.options.namespace, this.options.name);
  }
}
