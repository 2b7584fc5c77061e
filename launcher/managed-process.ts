/**
 * One process of the cluster: started, watched, started again when it ends by itself.
 *
 *   stopped ──start──▶ running ──ends──▶ waiting ──restartDelay──▶ running
 *                         │                 └──(no restart)──▶ ended
 *                         └──stop──▶ stopping ──ends──▶ stopped
 *
 * The channel that Node keeps to a child is also its lifeline: it closes when this process dies, however it
 * dies, and the child stops.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { configurationExitCode } from '../platform/configuration/configuration.js';
import { environmentPrefix } from '../platform/configuration/setting-name.js';
import type { ChildProcess } from 'node:child_process';
import type { PlannedProcess } from './process-plan.js';

export type ProcessState = 'stopped' | 'running' | 'waiting' | 'ended' | 'stopping';

export interface ManagedOptions {
  restart: boolean;
  restartDelayMs: number;
  changed: (managed: ManagedProcess) => void;
}

/** A log that has grown beyond this is put aside at the next start; one such older log is kept. */
const logBytesMax = 16 * 1024 * 1024;
const root = path.resolve(import.meta.dirname, '..');

export class ManagedProcess {
  state: ProcessState = 'stopped';
  /** How it ended last, in words; '' if it has not. */
  ending = '';
  private child: ChildProcess | null = null;
  private timer: NodeJS.Timeout | undefined;
  private whenEnded: (() => void)[] = [];

  constructor(
    readonly plan: PlannedProcess,
    private readonly options: ManagedOptions,
  ) {}

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  start(): void {
    const log = openLog(this.plan.logFile);
    const { nodeOptions, program, arguments: given } = this.plan;
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', ...nodeOptions, path.join(root, program), ...given],
      { stdio: ['ignore', log, log, 'ipc'], env: childEnvironment() },
    );
    closeSync(log);
    this.child = child;
    child.on('error', (error) => this.ended(child, `cannot be started: ${error.message}`, false));
    child.on('exit', (code, signal) => {
      const how = signal === null ? `ended with code ${code ?? 0}` : `was ended by ${signal}`;
      // It refuses its settings, and would again.
      this.ended(child, how, code !== configurationExitCode);
    });
    this.become('running');
  }

  /**
   * Resolves when the process has ended; after `timeoutMs` it is killed. `all`: nobody is left to hand
   * anything over to.
   */
  async stop(timeoutMs: number, all: boolean): Promise<void> {
    clearTimeout(this.timer);
    const { child } = this;
    if (child === null) {
      this.become('stopped');
      return;
    }
    this.become('stopping');
    const ended = new Promise<void>((resolve) => this.whenEnded.push(resolve));
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    // A process that has just ended is told nothing.
    if (all && child.connected) child.send('stop-all', () => undefined);
    else child.kill('SIGTERM');
    await ended;
    clearTimeout(timer);
  }

  kill(): void {
    clearTimeout(this.timer);
    if (this.child !== null) this.become('stopping');
    this.child?.kill('SIGKILL');
  }

  private ended(child: ChildProcess, ending: string, worthAnotherTry: boolean): void {
    if (this.child !== child) return;
    this.child = null;
    this.ending = ending;
    for (const resolve of this.whenEnded.splice(0)) resolve();
    if (this.state === 'stopping') {
      this.become('stopped');
    } else if (this.options.restart && worthAnotherTry) {
      this.timer = setTimeout(() => this.start(), this.options.restartDelayMs);
      this.become('waiting');
    } else {
      this.become('ended');
    }
  }

  private become(state: ProcessState): void {
    this.state = state;
    this.options.changed(this);
  }
}

function openLog(file: string): number {
  if (existsSync(file) && statSync(file).size > logBytesMax) renameSync(file, `${file}.old`);
  return openSync(file, 'a');
}

/**
 * Settings reach a child as arguments alone: what was meant for the launcher would mean something else to it.
 */
function childEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith(environmentPrefix));
  return Object.fromEntries(entries);
}
