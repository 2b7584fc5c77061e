/**
 * The processes of one cluster together: started in order, shown while they run, stopped in order.
 *
 *   starting ──all partitions usable──▶ ready ──stop()──▶ stopping (controller, then workers) ──▶ stopped
 */
import { readClusterView } from './cluster-view.js';
import { ManagedProcess } from './managed-process.js';
import type { ClusterView } from './cluster-view.js';
import type { Display } from './display.js';
import type { ManagedOptions } from './managed-process.js';
import type { PlannedProcess } from './process-plan.js';

const startingPollMs = 250;
const steadyPollMs = 2_000;
const stopTimeoutMs = 20_000;

export class LocalCluster {
  private readonly processes: ManagedProcess[];
  private view: ClusterView | null = null;
  private started = false;
  private ready = false;
  private stopping = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    planned: readonly PlannedProcess[],
    options: Pick<ManagedOptions, 'restart' | 'restartDelayMs'>,
    private readonly display: Display,
    /** What to say when the cluster can be used for the first time. */
    private readonly welcome: (processes: readonly ManagedProcess[]) => string,
  ) {
    const changed = () => this.show();
    this.processes = planned.map((plan) => new ManagedProcess(plan, { ...options, changed }));
  }

  start(): void {
    for (const managed of this.processes) managed.start();
    this.started = true;
    this.show();
    this.poll();
  }

  /**
   * The controller first: it would take workers that go for workers that fail. They finish the requests they
   * have.
   */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    const stop = (role: PlannedProcess['role'], all: boolean) => {
      const chosen = this.processes.filter(({ plan }) => plan.role === role);
      return Promise.all(chosen.map((managed) => managed.stop(stopTimeoutMs, all)));
    };
    await stop('controller', false);
    await stop('worker', true);
    this.display.end();
  }

  killAll(): void {
    for (const managed of this.processes) managed.kill();
  }

  private poll(): void {
    void this.look().then(() => {
      if (this.stopping) return;
      this.timer = setTimeout(() => this.poll(), this.ready ? steadyPollMs : startingPollMs);
    });
  }

  private async look(): Promise<void> {
    const [controller] = this.processes;
    if (controller === undefined) return;
    const view = await readClusterView(controller.plan.url);
    if (this.stopping) return;
    this.view = view;
    this.show();
    if (this.ready || view?.isUsable !== true) return;
    this.ready = true;
    this.display.say(this.welcome(this.processes));
    this.show();
  }

  private show(): void {
    if (this.started) this.display.show(this.processes, this.view);
  }
}
