/**
 * One installation under test and the frame that every scenario shares: start from a whole cluster, let the
 * load run, do the damage, wait until the cluster is whole again, then judge what the clients saw.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { judgeVersions } from '../simulation/judges/version-witness.js';
import { helm, pause } from './commands.js';
import { historyOf, measure } from './history-of-load.js';
import type { LoadCall } from './history-of-load.js';
import type { Kubernetes } from './kubernetes.js';
import { Load } from './load.js';
import type { LoadPlan } from './load.js';

export interface Row {
  scenario: string;
  requests: number | null;
  failed: number | null;
  unavailableMs: number | null;
  replicatedAfterS: number | null;
  /** What is promised, for the eye: '≤ 2000 ms', '0 failed'. */
  promise: string;
  isPromiseKept: boolean;
  /** Empty if all is well; anything here fails the run. */
  problems: string[];
  /** What went on, for whoever reads the table. */
  remarks: string[];
}

export interface Expectation {
  /**
   * No request may fail; beside a disturbance, none before its deadline: how long others take to finish what
   * was left in the middle is a matter of the machine.
   */
  failsNothing?: boolean;
  /** Told in the table, and never a failure by itself: machines differ. */
  unavailableMsMax?: number;
  /** Retries on a broken connection that the load may make. */
  retries?: number;
}

export interface Disturbance {
  /** Answers what was done, for the row. */
  stop: () => Promise<string>;
}

export interface Action {
  /** On `performance.now()`'s clock: when the harm was done. */
  harmedAt: number;
  /** Seen by others besides the load, judged together with it. */
  furtherCalls?: LoadCall[];
  problems?: string[];
  remarks?: string[];
}

export interface Installation {
  image: string;
  /** As `image`, but another: what an upgrade goes to. */
  nextImage: string;
  chart: string;
  values: string[];
  /** Where what the clients saw is kept, one file a scenario; '' for nowhere. */
  histories: string;
}

const loadPlan = { ratePerSecond: 300, keys: 96, writeShare: 0.5, timeoutMs: 6_000 };
const warmUpMs = 4_000;
const afterwardsMs = 5_000;
const replicationTimeoutMs = 300_000;
const loadPod = 'load';
/** Until another operator has noticed that the active one is gone, and has done its work. */
export const operatorLossMsMax = 15_000;

export function imageValues(image: string): string[] {
  const at = image.lastIndexOf(':');
  return ['--set', `image.repository=${image.slice(0, at)}`, '--set', `image.tag=${image.slice(at + 1)}`];
}

export class Trial {
  readonly rows: Row[] = [];
  /** Begins what goes on beside each scenario, such as the loss of those who are to notice another loss. */
  disturb: (() => Disturbance) | null = null;
  private load: Load | null = null;
  private runs = 0;
  /** So that no two runs against one store write the same keys. */
  private readonly id = `run-${Date.now().toString(36)}`;

  constructor(
    readonly kubernetes: Kubernetes,
    readonly installation: Installation,
    readonly say: (line: string) => void,
  ) {}

  /** Installs, or upgrades to what the options say. */
  async helmUpgrade(options: string[], image = this.installation.image): Promise<void> {
    const { namespace, release } = this.kubernetes;
    const { chart, values } = this.installation;
    const where = ['--namespace', namespace, '--create-namespace'];
    const images = [...imageValues(image), '--set', 'image.pullPolicy=IfNotPresent'];
    await helm(['upgrade', '--install', release, chart, ...where, ...images, ...values, ...options]);
  }

  /** The node that the load runs on must not be harmed, and it should not be the one that resolves names. */
  async loadNode(): Promise<string> {
    return (await this.loadOnSomeNode()).nodeName;
  }

  private async loadOnSomeNode(): Promise<Load> {
    if (this.load !== null) return this.load;
    const nodes = await this.kubernetes.nodeNames();
    const ofNames = await this.kubernetes.nodesOfNames();
    const node = nodes.find((name) => ofNames.includes(name)) ?? nodes[0];
    if (node === undefined) throw new Error('there is no node');
    this.load = await Load.deploy(this.kubernetes, loadPod, node, this.installation.image);
    return this.load;
  }

  /** The pod is gone with its namespace. */
  forgetLoad(): void {
    this.load = null;
  }

  /** By address: names are resolved by pods that may be lost as well. */
  async serviceTarget(): Promise<{ host: string; port: number }> {
    const { kubernetes } = this;
    const service = await kubernetes.get<{ spec: { clusterIP: string } }>('service', kubernetes.release);
    return { host: service.spec.clusterIP, port: 80 };
  }

  async plan(retries = 0): Promise<LoadPlan> {
    this.runs += 1;
    return { ...loadPlan, name: `${this.id}-${this.runs}`, targets: [await this.serviceTarget()], retries };
  }

  /** Runs one scenario under load and adds its row. */
  async underLoad(
    scenario: string,
    expectation: Expectation,
    act: (plan: LoadPlan) => Promise<Action>,
  ): Promise<void> {
    if (this.disturb !== null) scenario += ', operators killed';
    this.say(`${scenario} …`);
    const { unavailableMsMax } = expectation;
    if (this.disturb !== null && unavailableMsMax !== undefined) {
      expectation = { ...expectation, unavailableMsMax: Math.max(unavailableMsMax, operatorLossMsMax) };
    }
    const row = newRow(scenario, promiseOf(expectation));
    this.rows.push(row);
    try {
      await this.kubernetes.waitUntilReplicated(replicationTimeoutMs);
      const load = await this.loadOnSomeNode();
      const plan = await this.plan(expectation.retries);
      await load.start(plan);
      try {
        await this.carryOut(row, plan, expectation, act, load);
      } catch (error) {
        await load.stop(false).catch(() => []);
        throw error;
      }
    } catch (error) {
      row.problems.push(error instanceof Error ? error.message : String(error));
    }
    await this.tell(row);
  }

  /** What came of a scenario, and if it failed, how the cluster looks now. */
  async tell(row: Row): Promise<void> {
    this.say(rowText(row));
    if (row.problems.length === 0) return;
    for (const line of await this.kubernetes.picture()) this.say(`    ${line}`);
  }

  private async carryOut(
    row: Row,
    plan: LoadPlan,
    expectation: Expectation,
    act: (plan: LoadPlan) => Promise<Action>,
    load: Load,
  ): Promise<void> {
    await pause(warmUpMs);
    const before = await load.counts();
    if (before.good === 0) throw new Error('the load had no good answer before anything was done');
    const disturbance = this.disturb?.();
    const action = await act(plan).finally(() => disturbance?.stop().then((told) => row.remarks.push(told)));
    const { harmedAt, furtherCalls = [], problems = [], remarks = [] } = action;
    row.problems.push(...problems);
    row.remarks.push(...remarks);
    row.replicatedAfterS = await this.replicatedAfterS(harmedAt);
    await pause(afterwardsMs);
    const calls = await load.stop();
    const measures = measure(calls);
    Object.assign(row, {
      requests: measures.requests,
      failed: measures.failed,
      unavailableMs: measures.unavailableMs,
    });
    if (measures.failures !== '') row.remarks.push(measures.failures);
    await this.keep(row.scenario, [...calls, ...furtherCalls]);
    const finding = judgeVersions(historyOf([...calls, ...furtherCalls]));
    if (finding !== undefined) row.problems.push(`not linearizable: ${finding}`);
    const failed = this.disturb === null ? measures.failed : measures.failedEarly;
    if (expectation.failsNothing === true && failed > 0) {
      const early = this.disturb === null ? '' : ' before their deadline';
      row.problems.push(`${failed} requests failed${early}, none should have`);
    }
    if (expectation.failsNothing === true && measures.unavailableMs > operatorLossMsMax) {
      row.problems.push(`a key was unavailable for more than ${operatorLossMsMax} ms`);
    }
    if (measures.unavailableMs === Infinity) row.problems.push('a key never came back');
    const isSpoilt = expectation.failsNothing === true && measures.failed > 0;
    row.isPromiseKept = !isSpoilt && measures.unavailableMs <= (expectation.unavailableMsMax ?? Infinity);
  }

  private async keep(scenario: string, calls: readonly LoadCall[]): Promise<void> {
    const folder = this.installation.histories;
    if (folder === '') return;
    await mkdir(folder, { recursive: true });
    const name = `${this.runs}-${scenario.replaceAll(/[^a-z0-9]+/gi, '-')}.jsonl`;
    // The load's clock is the machine's, whose zero is found by asking it here, if this is the same machine.
    const zeroMs = Date.now() - Number(process.hrtime.bigint() / 1_000n) / 1_000;
    const lines = calls.map((call) =>
      JSON.stringify({ at: new Date(zeroMs + call.startMs).toISOString(), ...call }),
    );
    await writeFile(path.join(folder, name), `${lines.join('\n')}\n`);
  }

  /** Whole, and still whole a while later: right after the harm nobody may have noticed it. */
  private async replicatedAfterS(harmedAt: number): Promise<number> {
    const steadyMs = 6_000;
    const deadline = performance.now() + replicationTimeoutMs;
    let since: number | null = null;
    let wasHarmed = false;
    while (performance.now() < deadline) {
      const whole = await this.kubernetes.isFullyReplicated().catch(() => false);
      if (!whole) [since, wasHarmed] = [null, true];
      else since ??= performance.now();
      if (since !== null && performance.now() - since > steadyMs) {
        return wasHarmed ? Math.round((since - harmedAt) / 100) / 10 : 0;
      }
      await pause(700);
    }
    const { status } = await this.kubernetes.cluster();
    throw new Error(`not fully replicated again: ${status?.phase ?? '?'}: ${status?.message ?? ''}`);
  }
}

export function newRow(scenario: string, promise = ''): Row {
  const measured = { requests: null, failed: null, unavailableMs: null, replicatedAfterS: null };
  return { scenario, ...measured, promise, isPromiseKept: true, problems: [], remarks: [] };
}

function promiseOf({ failsNothing, unavailableMsMax }: Expectation): string {
  if (failsNothing === true) return '0 failed';
  return unavailableMsMax === undefined ? '' : `≤ ${unavailableMsMax} ms`;
}

export function rowText(row: Row): string {
  const verdict = row.problems.length > 0 ? `FAILED: ${row.problems.join('; ')}` : 'ok';
  const { requests, failed, unavailableMs, replicatedAfterS } = row;
  const numbers =
    requests === null
      ? ''
      : `${requests} requests, ${failed ?? '?'} failed, unavailable ${unavailableMs ?? '?'} ms, ` +
        `replicated after ${replicatedAfterS ?? '?'} s — `;
  return `  ${numbers}${verdict}${row.remarks.map((remark) => `\n    ${remark}`).join('')}`;
}
