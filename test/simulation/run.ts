/**
 * One seed from beginning to end: a cluster comes up, clients work on it while faults happen, everything is
 * healed, and then it has to become whole within a bound and be right in the eyes of every judge.
 */
import { mendRules, breakRule } from '../../core/rules.js';
import type { RuleName } from '../../core/rules.js';
import { partitionOf } from '../../core/ring/hash.js';
import { keyBytes } from './client.js';
import { Coverage } from './coverage.js';
import { describeReplicas, differenceFromWhole, finalPartitions } from './healing.js';
import { judgeAcknowledgedWrites, judgeEqualReplicas } from './judges/final-state.js';
import type { Finding } from './judges/history.js';
import { judgeBySearch } from './judges/linearization-search.js';
import { judgeRelaxedReads } from './judges/relaxed-reads.js';
import { judgeVersions } from './judges/version-witness.js';
import { Nemesis } from './nemesis.js';
import type { Profile } from './profile.js';
import { swarmProfile } from './profile.js';
import { Random } from './random.js';
import { SimulationFailure } from './scheduler.js';
import { World } from './world.js';

export interface SeedOptions {
  seed: number;
  /** Broken once the cluster is up. */
  rule?: RuleName | undefined;
  /** Changes the seed's own profile. */
  adapt?: ((profile: Profile, random: Random) => void) | undefined;
  trace?: ((line: string) => void) | undefined;
}

export interface SeedResult {
  seed: number;
  digest: string;
  events: number;
  calls: number;
  /** What found what; null if all is well. */
  failure: { found: string; reason: string } | null;
  coverage: [string, number][];
}

const startBoundMs = 20_000;
const healBoundMs = 90_000;
const callsAfterHealing = 8;

export function runSeed({ seed, rule, adapt, trace }: SeedOptions): SeedResult {
  const random = new Random(seed, 'seed');
  const profile = swarmProfile(random.fork('profile'));
  adapt?.(profile, random.fork('recipe'));
  const coverage = new Coverage();
  mendRules();
  const world = new World({ profile, random: random.fork('world'), coverage, trace: trace ?? null });
  let failure: SeedResult['failure'] = null;
  try {
    new SeedRun(world, random, rule).run();
  } catch (error) {
    failure = describe(error);
    if (trace !== undefined) for (const line of describeReplicas(world)) trace(line);
  } finally {
    mendRules();
  }
  world.end();
  return {
    seed,
    digest: world.scheduler.digest,
    events: world.scheduler.executed,
    calls: world.history.length,
    failure,
    coverage: [...coverage.counts],
  };
}

function describe(error: unknown): { found: string; reason: string } {
  if (error instanceof SimulationFailure) return { found: error.found, reason: error.reason };
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { found: 'exception', reason };
}

class SeedRun {
  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly rule: RuleName | undefined,
  ) {}

  run(): void {
    const { world } = this;
    const { profile, coverage } = world;
    coverage.count(`storage: ${profile.storage}`);
    if (profile.faultless) coverage.count('run without faults');
    if (profile.controllers > 1) coverage.count('two controllers');
    world.start();
    this.awaitWhole('start', startBoundMs);
    if (this.rule !== undefined) breakRule(this.rule);
    const nemesis = new Nemesis(world, this.random.fork('nemesis'));
    const { callsMax, count } = profile.clients;
    for (const client of world.clients) client.start(Math.ceil(callsMax / count));
    nemesis.start();
    world.scheduler.runUntil(world.scheduler.now + profile.chaosMs);
    nemesis.stop();
    world.heal();
    this.awaitWhole('healing', healBoundMs);
    this.workAfterHealing();
    this.readEverything();
    this.awaitWhole('end', healBoundMs);
    this.judge();
  }

  private awaitWhole(phase: string, boundMs: number): void {
    const { scheduler } = this.world;
    const until = scheduler.now + boundMs;
    let difference: string | undefined = 'nothing yet';
    while (difference !== undefined) {
      if (scheduler.now >= until) throw new SimulationFailure('not whole', `${phase}: ${difference}`);
      scheduler.runUntil(scheduler.now + 200);
      difference = differenceFromWhole(this.world);
    }
    if (scheduler.tracing) this.world.note('run', `whole after ${phase}`);
  }

  /** What fails in a cluster that is whole again fails the seed. */
  private workAfterHealing(): void {
    const { scheduler, clients, profile } = this.world;
    for (const client of clients) client.start(0);
    scheduler.runUntil(scheduler.now + 2 * profile.limits.requestDeadlineMs);
    for (const client of clients) client.start(callsAfterHealing);
    while (clients.some((client) => client.busy)) scheduler.runUntil(scheduler.now + 100);
    const failed = clients.reduce((sum, client) => sum + client.failed, 0);
    if (failed > 0)
      throw new SimulationFailure('too little done', `${failed} calls failed after the healing`);
  }

  /** Every key is read once more: an acknowledged write that is gone shows here at the latest. */
  private readEverything(): void {
    const { world } = this;
    const reader = world.clients[0];
    let unread = world.profile.clients.keys;
    for (let index = 1; index <= world.profile.clients.keys; index += 1) {
      const text = `k${index}`;
      const operation = {
        text,
        key: keyBytes(text),
        consistency: 'linearizable' as const,
        atLeast: null,
        headOnly: false,
      };
      reader?.read(operation, (call) => {
        unread -= 1;
        if (call.result.type === 'failed') {
          throw new SimulationFailure('not whole', `key ${text} cannot be read after the healing`);
        }
      });
    }
    while (unread > 0) world.scheduler.runUntil(world.scheduler.now + 50);
  }

  private judge(): void {
    const { world } = this;
    const { history, invariants, profile } = world;
    const partitions = finalPartitions(world);
    const verdict = (found: string, finding: Finding) => {
      if (finding !== undefined) throw new SimulationFailure(found, finding);
    };
    verdict('versions', judgeVersions(history));
    verdict(
      'relaxed reads',
      judgeRelaxedReads(history, (partition, version) => invariants.isCommitted(partition, version)),
    );
    verdict('equal replicas', judgeEqualReplicas(partitions));
    verdict(
      'acknowledged writes',
      judgeAcknowledgedWrites(history, (_partition, key) => {
        const partition = partitionOf(keyBytes(key), profile.partitions);
        const row = partitions[partition]?.replicas[0]?.table.rows.get(key);
        return row === undefined ? null : { version: { epoch: row.epoch, seq: row.seq }, value: row.value };
      }),
    );
    verdict('search', judgeBySearch(history));
  }
}
