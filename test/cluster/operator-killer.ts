/** Kills the active operator at random moments while something goes on, and notes how soon another acted. */
import { canInflict, pause } from './commands.js';
import { killProcessOf } from './faulted-nodes.js';
import { isReady } from './kubernetes.js';
import type { Kubernetes, PodView } from './kubernetes.js';

const killsMin = 2;
/** The first one comes while the harm is fresh. */
const firstMsMax = 3_000;
const betweenMsMin = 3_000;
const betweenMsMax = 15_000;
const lookMs = 100;
const takeoverMsMax = 60_000;
const killingMsMax = 90_000;

export class OperatorKiller {
  private readonly over = new AbortController();
  private readonly takeoversMs: number[] = [];
  private processes = 0;
  private pods = 0;
  private readonly killing: Promise<void>;

  constructor(private readonly kubernetes: Kubernetes) {
    this.killing = this.killOnAndOn();
  }

  /** Once it has done something. Answers what, in words. */
  async stop(): Promise<string> {
    const deadline = performance.now() + killingMsMax;
    while (this.takeoversMs.length < killsMin && performance.now() < deadline) await pause(lookMs);
    this.over.abort();
    await this.killing;
    const { processes, pods, takeoversMs } = this;
    const took = takeoversMs.map((ms) => Math.round(ms)).join(', ');
    return `operators killed: ${processes} processes, ${pods} pods; another was active after (ms): ${took}`;
  }

  private async killOnAndOn(): Promise<void> {
    let pauseMs = Math.random() * firstMsMax;
    for (;;) {
      await pause(pauseMs, this.over.signal);
      if (this.over.signal.aborted) return;
      pauseMs = betweenMsMin + Math.random() * (betweenMsMax - betweenMsMin);
      await this.killActive().catch(() => undefined);
    }
  }

  /** Not while it is the only one: that one after the other is lost is not what two are there for. */
  private async killActive(): Promise<void> {
    const { kubernetes } = this;
    const { holder, acquiredAt } = await kubernetes.operatorLease();
    const ready = (await kubernetes.pods('operator')).filter(isReady);
    const active = ready.find(({ metadata }) => metadata.name === holder);
    if (active === undefined || ready.length < 2) return;
    const killedAt = await this.kill(active);
    const deadline = performance.now() + takeoverMsMax;
    while (performance.now() < deadline) {
      const lease = await kubernetes.operatorLease().catch(() => null);
      if (lease !== null && lease.acquiredAt > acquiredAt) {
        this.takeoversMs.push(Math.max(0, lease.acquiredAt - killedAt));
        return;
      }
      await pause(lookMs);
    }
    this.takeoversMs.push(Infinity);
  }

  /** A process has no moment to give the Lease back, a pod deleted by force has one. Answers when it was. */
  private async kill(pod: PodView): Promise<number> {
    if (canInflict('NODE_EXEC') && Math.random() < 0.5) {
      const killedAt = Date.now();
      await killProcessOf(pod, 'operator');
      this.processes += 1;
      return killedAt;
    }
    const killedAt = Date.now();
    await this.kubernetes.deletePod(pod.metadata.name);
    this.pods += 1;
    return killedAt;
  }
}
