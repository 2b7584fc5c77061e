/** One scenario played under one set of faults, and what is to be said of it afterwards. */
import type { ApiRequest } from '../../../operator/kubernetes/api-transport.js';
import type { TransportFaults } from '../../support/fake-api/memory-transport.js';
import { ModelCluster } from './model-cluster.js';
import { SafetyJudge } from './safety-judge.js';
import { unfinished } from './scenarios.js';
import type { Scenario } from './scenarios.js';

const withinMs = 180_000;

export interface Run {
  cluster: ModelCluster;
  judge: SafetyJudge;
  tookMs: number;
  /** What the operator wrote from the beginning of the scenario on. */
  writes: ApiRequest[];
  /** Written before. */
  writesBefore: number;
}

export interface Variant {
  /** For the operator that is there when it happens. */
  faults?: TransportFaults;
  /** Starts another one in its place, so many ms after it began, on the picture of so long before. */
  restartAtMs?: number;
  oldByMs?: number;
  second?: boolean;
}

export async function play(scenario: Scenario, variant: Variant): Promise<Run> {
  const cluster = new ModelCluster();
  cluster.workloads.localVolumes = scenario.localVolumes === true;
  const judge = new SafetyJudge(cluster);
  if (scenario.spec !== null) {
    cluster.createCluster(scenario.spec);
    const founder = cluster.startOperator();
    const start = { ...scenario, image: 'kvorum:1', missing: 0, workers: cluster.wanted };
    await cluster.time.runUntil(() => unfinished(cluster, start) === '', withinMs);
    const problem = unfinished(cluster, start);
    if (problem !== '') throw new Error(`it was never created: ${problem}`);
    cluster.writeAll();
    void founder.operator.stop();
    await cluster.time.run(500);
    founder.kill();
  }
  const faults = variant.faults ?? {};
  const first = cluster.startOperator({
    ...faults,
    killed: () => cluster.after(500, () => cluster.startOperator()),
  });
  if (scenario.spec !== null) await cluster.time.run(2_000);
  if (variant.second === true) cluster.startOperator({ ownLease: true });
  const begunAt = cluster.now;
  const writesBefore = first.transport.writes;
  scenario.begin(cluster, judge);
  cluster.keepWriting();
  if (variant.restartAtMs !== undefined) {
    await cluster.time.run(variant.restartAtMs);
    const oldVersion = cluster.versionAt(cluster.now - (variant.oldByMs ?? 0));
    first.kill();
    cluster.startOperator({ oldVersion, ownLease: true });
  }
  await cluster.time.runUntil(() => unfinished(cluster, scenario) === '', withinMs);
  // What is not at rest yet may still go wrong.
  await cluster.time.run(5_000);
  await cluster.time.runUntil(() => unfinished(cluster, scenario) === '', 30_000);
  const writes = first.transport.requests.slice(writesBefore);
  return { cluster, judge, tookMs: cluster.now - begunAt, writes, writesBefore };
}

export function verdict({ cluster, judge }: Run, scenario: Scenario): string[] {
  const lost = cluster.lostWrites();
  return [
    ...judge.violations,
    ...(unfinished(cluster, scenario) === '' ? [] : [unfinished(cluster, scenario)]),
    ...(lost.length === 0 ? [] : [`${lost.length} acknowledged writes are lost`]),
  ];
}

export async function failures(scenario: Scenario, variants: [string, Variant][]): Promise<string[]> {
  const found: string[] = [];
  for (const [name, variant] of variants) {
    const run = await play(scenario, variant);
    const problems = verdict(run, scenario);
    if (problems.length > 0) found.push(`${name}: ${problems.slice(0, 3).join('; ')}`);
  }
  return found;
}
