/**
 * The orderly end of a process: steps run one after the other in the order they were added, each with a bound
 * on its time, so that the process ends whatever a step does. A second request to stop ends it at once,
 * unless it comes so soon that it is the same one: a terminal and whoever passes signals on often both tell a
 * process.
 *
 *   running ──stop──▶ stopping (step 1, step 2, …) ──▶ exit
 */
import type { Logger } from './logger.js';

interface Step {
  name: string;
  timeoutMs: number;
  run: () => void | Promise<void>;
}

const echoMs = 500;

export class Shutdown {
  private readonly steps: Step[] = [];
  private stopping = false;
  private stoppingSince = 0;

  constructor(
    private readonly logger: Logger,
    private readonly exit: (code: number) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get isStopping(): boolean {
    return this.stopping;
  }

  /**
   * Adds the next step. One that fails or takes longer than `timeoutMs` is logged, and the following ones
   * run.
   */
  addStep(name: string, timeoutMs: number, run: () => void | Promise<void>): void {
    this.steps.push({ name, timeoutMs, run });
  }

  /** Runs the steps and exits with `code`; called again, exits at once. */
  async stop(reason: string, code: number): Promise<void> {
    if (this.stopping) {
      if (this.now() - this.stoppingSince < echoMs) return;
      this.logger.warn('stopping at once', { reason });
      this.exit(code === 0 ? 1 : code);
      return;
    }
    this.stopping = true;
    this.stoppingSince = this.now();
    this.logger.info('stopping', { reason });
    for (const step of this.steps) await this.runStep(step);
    this.logger.info('stopped', { reason, code });
    this.exit(code);
  }

  private async runStep(step: Step): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), step.timeoutMs);
    });
    try {
      const outcome = await Promise.race([Promise.resolve(step.run()), late]);
      if (outcome === 'late') this.logger.warn('shutdown step took too long', { step: step.name });
    } catch (error) {
      this.logger.error('shutdown step failed', { step: step.name, reason: String(error) });
    } finally {
      clearTimeout(timer);
    }
  }
}
