/**
 * Which of the operators acts: the one whose name stands in a Lease and was renewed lately, by the clock of
 * whoever looks. It spares work and quarrels; no decision of the protocol depends on there being one only.
 *
 *   waiting --(the Lease is free, given back, unchanged for its duration, or its holder has ended; update
 *              succeeds)--> active
 *   active --(another name in it, or no renewal for less than its duration)--> waiting
 *
 * An active one that cannot renew stops before the Lease runs out, so that two do not act at once while
 * clocks run evenly.
 */
import type { Lease, OwnerReference } from './api-objects.js';
import { explain, isNotFound } from './api-transport.js';
import type { Timers } from '../ports.js';
import type { ApiReply, ApiTransport } from './api-transport.js';
import { fieldManager } from './field-owner.js';
import { collectionPath, objectPath } from './resource-paths.js';

export interface LeaseElectionOptions {
  transport: ApiTransport;
  timers: Timers;
  namespace: string;
  name: string;
  labels: Record<string, string>;
  /** Of the Lease, if it goes with something. */
  owner: () => OwnerReference | null;
  identity: string;
  /** Somebody who knows says that the holder's process has ended. */
  hasEnded: (holder: string) => Promise<boolean>;
  /** Tells, once at most, when the holder's process has ended. Answers the function that ends this. */
  watchHolder: (holder: string, ended: () => void) => () => void;
  durationMs: number;
  retryMs: number;
  acquired: () => void;
  lost: (reason: string) => void;
  /** Another one's name was seen in the Lease. */
  following: (holder: string) => void;
}

interface Seen {
  resourceVersion: string;
  /** When it was first seen at this version. */
  at: number;
}

export class LeaseElection {
  private active = false;
  private stopped = true;
  private renewedAt = 0;
  private seen: Seen = { resourceVersion: '', at: 0 };
  private held: Lease | null = null;
  private holder = '';
  private cancelTimers: (() => void)[] = [];
  private looking = false;
  private lookAtOnce = false;
  /** Its end was seen, and the Lease has not been looked at since. */
  private ended = '';
  private endWatch: () => void = () => undefined;

  constructor(private readonly options: LeaseElectionOptions) {}

  get isActive(): boolean {
    return this.active;
  }

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    void this.round();
    this.watchOwnLease();
  }

  /** Gives the Lease back, so that another one need not wait for it to run out. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const cancel of this.cancelTimers) cancel();
    this.follow('');
    if (!this.active || this.held === null) return;
    this.active = false;
    await this.put({ ...this.held, spec: { ...this.held.spec, holderIdentity: '' } });
  }

  private async round(): Promise<void> {
    this.looking = true;
    this.lookAtOnce = false;
    try {
      await (this.active ? this.renew() : this.tryToAcquire());
    } finally {
      this.looking = false;
      if (!this.stopped)
        this.cancelTimers[0] = this.options.timers.after(this.pauseMs(), () => void this.round());
    }
  }

  private holderEnded(holder: string): void {
    if (this.stopped || this.active || holder !== this.holder) return;
    this.ended = holder;
    this.lookAtOnce = true;
    if (this.looking) return;
    this.cancelTimers[0]?.();
    void this.round();
  }

  /** '' for nobody. */
  private follow(holder: string): void {
    this.endWatch();
    this.endWatch = () => undefined;
    this.ended = '';
    this.holder = holder;
    if (holder === '' || holder === this.options.identity) return;
    this.endWatch = this.options.watchHolder(holder, () => this.holderEnded(holder));
  }

  private pauseMs(): number {
    return this.lookAtOnce ? 0 : this.jittered();
  }

  /** Not all at the same moment: a little apart, by name. */
  private jittered(): number {
    const spread = Buffer.from(this.options.identity).reduce((sum, byte) => sum + byte, 0) % 10;
    return (this.options.retryMs * (100 - spread)) / 100;
  }

  private watchOwnLease(): void {
    const { timers, retryMs, durationMs } = this.options;
    const overdueMs = durationMs - retryMs;
    if (this.active && timers.now() - this.renewedAt >= overdueMs) {
      this.resign(`the Lease could not be renewed for ${Math.round(overdueMs / 1_000)} s`);
    }
    if (!this.stopped) this.cancelTimers[1] = timers.after(retryMs / 4, () => this.watchOwnLease());
  }

  private resign(reason: string): void {
    this.active = false;
    this.held = null;
    this.seen = { resourceVersion: '', at: this.options.timers.now() };
    this.options.lost(reason);
  }

  private async tryToAcquire(): Promise<void> {
    const { transport, timers, durationMs, identity } = this.options;
    const reply = await transport.request({ method: 'GET', path: this.path(), timeoutMs: this.timeoutMs() });
    if (this.stopped) return;
    if (isNotFound(reply, this.options.name)) return this.take({ metadata: {} }, 0);
    if (reply.type !== 'done') return;
    const lease = reply.body as Lease;
    const resourceVersion = lease.metadata?.resourceVersion ?? '';
    if (resourceVersion !== this.seen.resourceVersion) this.seen = { resourceVersion, at: timers.now() };
    const holder = lease.spec?.holderIdentity ?? '';
    const lasts = Math.max(durationMs, (lease.spec?.leaseDurationSeconds ?? 0) * 1_000);
    const unchangedMs = timers.now() - this.seen.at;
    let free = holder === '' || holder === identity || holder === this.ended || unchangedMs >= lasts;
    if (!free && unchangedMs >= this.options.retryMs / 2) free = await this.mayReplace(holder);
    if (free) return this.take(lease, (lease.spec?.leaseTransitions ?? 0) + (holder === identity ? 0 : 1));
    if (holder === this.holder) return;
    this.follow(holder);
    this.options.following(holder);
  }

  private async mayReplace(holder: string): Promise<boolean> {
    return (await this.options.hasEnded(holder)) && !this.stopped;
  }

  private async take(lease: Lease, transitions: number): Promise<void> {
    const askedAt = this.options.timers.now();
    const acquireTime = this.microTime();
    const reply = await this.put({ ...lease, spec: { acquireTime, leaseTransitions: transitions } });
    // Somebody else was sooner: whoever holds it now is followed anew.
    if (reply.type === 'refused') this.follow('');
    if (reply.type !== 'done' || this.stopped) return;
    this.held = reply.body as Lease;
    this.renewedAt = askedAt;
    this.active = true;
    this.follow(this.options.identity);
    this.options.acquired();
  }

  private async renew(): Promise<void> {
    if (this.held === null) return;
    const askedAt = this.options.timers.now();
    const reply = await this.put(this.held);
    if (this.stopped || !this.active) return;
    if (reply.type === 'done') {
      this.held = reply.body as Lease;
      this.renewedAt = askedAt;
    } else if (reply.type === 'refused' && (reply.status === 409 || reply.status === 404)) {
      await this.lookAgain(explain(reply));
    }
  }

  /**
   * Its version is not the one that was written: by another holder, or by a renewal whose answer was lost.
   */
  private async lookAgain(problem: string): Promise<void> {
    const { transport, identity } = this.options;
    const reply = await transport.request({ method: 'GET', path: this.path(), timeoutMs: this.timeoutMs() });
    if (this.stopped || !this.active) return;
    if (reply.type !== 'done' && !isNotFound(reply, this.options.name)) return;
    const lease = reply.type === 'done' ? (reply.body as Lease) : null;
    if (lease?.spec?.holderIdentity === identity) this.held = lease;
    else this.resign(`the Lease is held by ${lease?.spec?.holderIdentity ?? 'nobody'}: ${problem}`);
  }

  private put(lease: Lease): Promise<ApiReply> {
    const { transport, namespace, name, labels, identity, durationMs } = this.options;
    const owner = this.options.owner();
    const { resourceVersion } = lease.metadata ?? {};
    const metadata = {
      name,
      namespace,
      labels,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(owner === null ? {} : { ownerReferences: [owner] }),
    };
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1_000)),
      ...lease.spec,
      renewTime: this.microTime(),
    };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    const query = { fieldManager };
    const timeoutMs = this.timeoutMs();
    const create = resourceVersion === undefined;
    const path = create ? collectionPath('leases', namespace) : this.path();
    return transport.request({ method: create ? 'POST' : 'PUT', path, query, body, timeoutMs });
  }

  private timeoutMs(): number {
    return Math.max(500, this.options.retryMs);
  }

  /** As `2026-01-31T12:00:00.000000Z`. */
  private microTime(): string {
    return new Date(this.options.timers.wall()).toISOString().replace('Z', '000Z');
  }

  private path(): string {
    return objectPath('leases', this.options.namespace, this.options.name);
  }
}
