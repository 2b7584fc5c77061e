/**
 * One operator's way to the fake API server, in virtual time, with everything that may go wrong on it: no
 * answer, an old picture, watch events that never come, the end of the operator before or after any of its
 * writes.
 */
import { replyOf } from '../../../operator/kubernetes/api-transport.js';
import type {
  ApiReply,
  ApiRequest,
  ApiTransport,
  WatchEvent,
  WatchHandler,
} from '../../../operator/kubernetes/api-transport.js';
import { shown } from './fake-api-server.js';
import type { Change, FakeApiServer } from './fake-api-server.js';
import { failure } from './fake-objects.js';
import { parsePath, selects } from './fake-paths.js';

export interface VirtualTime {
  now(): number;
  after(delayMs: number, run: () => void): void;
  /** A promise was settled: what waits for it runs before time goes on. */
  settled(): void;
}

export interface TransportFaults {
  /**
   * Called for each write that counts, with its number from 1 on; `before`: it never arrives, `after`: its
   * answer never does.
   */
  killAt?: (write: number, request: ApiRequest) => 'before' | 'after' | null;
  /** For its first moments it sees the state of this version. */
  oldVersion?: number;
  /** Watch events that it is not shown, by their number; the watch ends a while later with 410. */
  hidden?: (event: number) => boolean;
  killed?: () => void;
  /** It believes to be the active one whatever others do: its Lease is another. */
  ownLease?: boolean;
}

const latencyMs = 3;
const watchLatencyMs = 5;
const oldForMs = 3_000;
const bookmarkMs = 1_000;
const goneAfterMs = 2_000;

export class MemoryTransport implements ApiTransport {
  /** Writes that change something; renewals of the Lease and Events do not count. */
  writes = 0;
  readonly requests: ApiRequest[] = [];
  down = false;
  private dead = false;
  private events = 0;
  private readonly bornAt: number;
  private readonly ends = new Set<() => void>();

  constructor(
    private readonly server: FakeApiServer,
    private readonly time: VirtualTime,
    private readonly faults: TransportFaults = {},
  ) {
    this.bornAt = time.now();
  }

  kill(): void {
    this.dead = true;
    for (const end of this.ends) end();
  }

  request(request: ApiRequest): Promise<ApiReply> {
    return new Promise((resolve) => {
      const answer = (reply: ApiReply) => {
        this.time.after(latencyMs, () => {
          if (this.dead) return;
          resolve(reply);
          this.time.settled();
        });
      };
      this.time.after(latencyMs, () => {
        if (this.dead) return;
        if (this.down) return answer({ type: 'unanswered', reason: 'connection refused' });
        const fate = this.isCounted(request) ? this.fateOf(request) : null;
        if (fate === 'before') return this.end();
        const { ownLease = false } = this.faults;
        const { status, body } = this.answer(ownLease ? withOwnLease(request) : request);
        if (fate === 'after') return this.end();
        answer(replyOf(status, ownLease ? withoutOwnLease(body) : body));
      });
    });
  }

  private isCounted({ method, path }: ApiRequest): boolean {
    return method !== 'GET' && !path.includes('/leases') && !path.includes('/events');
  }

  private fateOf(request: ApiRequest): 'before' | 'after' | null {
    this.writes += 1;
    this.requests.push(request);
    return this.faults.killAt?.(this.writes, request) ?? null;
  }

  private end(): void {
    this.kill();
    this.faults.killed?.();
  }

  private isOld(): boolean {
    return this.faults.oldVersion !== undefined && this.time.now() - this.bornAt < oldForMs;
  }

  private answer(request: ApiRequest) {
    const path = parsePath(request.path);
    const { oldVersion } = this.faults;
    if (request.method !== 'GET' || path?.name !== null || !this.isOld() || oldVersion === undefined) {
      return this.server.handle({ query: {}, ...request });
    }
    const items = this.server
      .stateAt(path.collection, oldVersion)
      .map(shown)
      .filter((object) => selects(request.query ?? {}, object));
    return { status: 200, body: { metadata: { resourceVersion: String(oldVersion) }, items } };
  }

  watch(path: string, query: Record<string, string>, handler: WatchHandler): () => void {
    let ended = false;
    const parsed = parsePath(path);
    const collection = parsed?.collection ?? '';
    const from = Number(query.resourceVersion ?? '0');
    const matches = (change: Change) =>
      change.collection === collection && change.version > from && selects(query, change.object);
    const finish = (status: number, reason: string) => {
      if (ended) return;
      ended = true;
      unlisten();
      this.ends.delete(stop);
      if (!this.dead) handler.ended(status, reason);
    };
    const deliver = (event: WatchEvent) => {
      if (!ended && !this.dead) handler.event(event);
    };
    const gone = () => {
      deliver({ type: 'ERROR', object: failure(410, 'Expired', 'too old resource version').body as object });
      finish(200, 'ended');
    };
    const pass = (change: Change) => {
      this.events += 1;
      if (this.faults.hidden?.(this.events) === true) {
        this.time.after(goneAfterMs, gone);
        return;
      }
      this.time.after(watchLatencyMs + this.oldDelay(), () =>
        deliver({ type: change.type, object: shown(change.object) }),
      );
    };
    const backlog = this.server.changes.filter(matches);
    const unlisten = this.server.listen((change) => {
      if (matches(change) && !ended) pass(change);
    });
    const stop = () => {
      ended = true;
      unlisten();
      this.ends.delete(stop);
    };
    this.ends.add(stop);
    if (this.down || from < this.server.compactedBefore) {
      this.time.after(latencyMs, () => (this.down ? finish(0, 'connection refused') : gone()));
    } else for (const change of backlog) pass(change);
    this.bookmarks(query, deliver, () => ended || this.dead);
    return stop;
  }

  /** A picture that lags goes on lagging until it has caught up. */
  private oldDelay(): number {
    return this.isOld() ? oldForMs - (this.time.now() - this.bornAt) : 0;
  }

  private bookmarks(
    query: Record<string, string>,
    deliver: (event: WatchEvent) => void,
    over: () => boolean,
  ): void {
    if (query.allowWatchBookmarks !== 'true') return;
    this.time.after(bookmarkMs, () => {
      if (over()) return;
      // One in flight may still be on its way: a bookmark never overtakes.
      const resourceVersion = String(this.server.version);
      this.time.after(watchLatencyMs + this.oldDelay(), () =>
        deliver({ type: 'BOOKMARK', object: { metadata: { resourceVersion } } }),
      );
      this.bookmarks(query, deliver, over);
    });
  }
}

const ownLeaseSuffix = '-own';

function withOwnLease(request: ApiRequest): ApiRequest {
  if (!request.path.includes('/leases')) return request;
  return JSON.parse(
    JSON.stringify(request).replaceAll('-operator"', `-operator${ownLeaseSuffix}"`),
  ) as ApiRequest;
}

function withoutOwnLease(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(`-operator${ownLeaseSuffix}"`, '-operator"'));
}
