/**
 * One seed from beginning to end: a cluster comes up, clients work on it while faults happen, everything is healed, and then
 * it has to become whole within a bound and be right in the eyes of every judge.
 */
import { mendRules, breakRule } from '../../core/rules.js';
import type { RuleName } from '../../core/rules.js';
import { partitionOf } from '../../core/ring/hash.js';
import { keyBytes } from './client.js';
import { Coverage } from './coverage.js';
import { differenceFromWhole, finalPartitions } from './healing.js';
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
  /** Broken for this seed. */
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

export function runSeed({ seed, rule, adapt, trace }: SeedOptions): SeedResult {
  const random = new Random(seed, 'seed');
  const profile = swarmProfile(random.fork('profile'));
  adapt?.(profile, random.fork('recipe'));
  const coverage = new Coverage();
  mendRules();
  if (rule !== undefined) breakRule(rule);
  const world = new World({ profile, random: random.fork('world'), coverage, trace: trace ?? null });
  let failure: SeedResult['failure'] = null;
  try {
    new SeedRun(world, random).run();
  } catch (error) {
    failure = describe(error);
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
  ) {}

  run(): void {
    const { world } = this;
    const { profile, coverage } = world;
    coverage.count(`storage: ${profile.storage}`);
    if (profile.faultless) coverage.count('run without faults');
    if (profile.controllers > 1) coverage.count('two controllers');
    world.start();
    this.awaitWhole('start', startBoundMs);
    const nemesis = new Nemesis(world, this.random.fork('nemesis'));
    for (const client of world.clients) client.start();
    nemesis.start();
    world.scheduler.runUntil(world.scheduler.now + profile.chaosMs);
    nemesis.stop();
    world.heal();
    this.awaitWhole('healing', healBoundMs);
    for (const client of world.clients) client.stop();
    this.readEverything();
    world.scheduler.runUntil(world.scheduler.now + profile.limits.requestDeadlineMs + 1_000);
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

  /** Every key is read once more: an acknowledged write that is gone shows here at the latest. */
  private readEverything(): void {
    const { world } = this;
    const reader = world.clients[0];
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
        if (call.result.type === 'failed') {
          throw new SimulationFailure('not whole', `key ${text} cannot be read after the healing`);
        }
      });
    }
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
    const succeeded = world.clients.reduce((sum, client) => sum + client.succeeded, 0);
    const failed = world.clients.reduce((sum, client) => sum + client.failed, 0);
    const wanted = profile.faultless ? failed * 50 : 30;
    if (succeeded < wanted) {
      throw new SimulationFailure('too little done', `${succeeded} calls succeeded, ${failed} did not`);
    }
  }
}
