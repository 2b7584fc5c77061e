/**
 * What can be known of another operator's process besides its silence, so that nobody waits for a Lease to
 * run out whose holder has ended: its pod, by its kubelet and by the API server, and the port it listens on.
 */
import type { Timers, WatchProcess } from '../ports.js';
import type { Pod } from './api-objects.js';
import { isNotFound } from './api-transport.js';
import type { ApiReply, ApiTransport } from './api-transport.js';
import { hasEnded } from './pod-trouble.js';
import { objectPath } from './resource-paths.js';

export interface LeaseHolderOptions {
  transport: ApiTransport;
  timers: Timers;
  namespace: string;
  watchProcess: WatchProcess;
  /** On which operators listen. */
  port: number;
  /** Of requests, and between them while its pod has no address yet. */
  retryMs: number;
}

export class LeaseHolder {
  /** Whose pod was seen: only what was there can be gone. */
  private seen = '';

  constructor(private readonly options: LeaseHolderOptions) {}

  /**
   * A crashed operator's pod stays, and its kubelet says within a second that nothing runs in it any more;
   * one that was deleted by force is there no longer.
   */
  async hasEnded(holder: string): Promise<boolean> {
    const reply = await this.pod(holder);
    if (isNotFound(reply, holder)) return this.seen === holder;
    return reply.type === 'done' && hasEnded(reply.body as Pod);
  }

  /** Long before a kubelet has noticed: its connections break. */
  watch(holder: string, ended: () => void): () => void {
    const { timers, retryMs, watchProcess, port } = this.options;
    let isOver = false;
    let end: () => void = () => undefined;
    const begin = async (): Promise<void> => {
      const reply = await this.pod(holder);
      if (isOver) return;
      const host = reply.type === 'done' ? ((reply.body as Pod).status?.podIP ?? '') : '';
      if (host === '') end = timers.after(retryMs, () => void begin());
      else end = watchProcess({ host, port }, ended);
    };
    void begin();
    return () => {
      isOver = true;
      end();
    };
  }

  private async pod(name: string): Promise<ApiReply> {
    const { transport, namespace, retryMs } = this.options;
    const path = objectPath('pods', namespace, name);
    const reply = await transport.request({ method: 'GET', path, timeoutMs: retryMs });
    if (reply.type === 'done') this.seen = name;
    return reply;
  }
}
