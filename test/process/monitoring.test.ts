/**
 * A real Prometheus in front of a real cluster under load. In health every expression of dashboards and
 * alerts has something to say; when the cluster is broken the alerts that matter fire, and they clear when
 * it is mended. The rules are those that ship, on a faster clock.
 */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { alertGroups } from '../../monitoring/alerts.js';
import { dashboards } from '../../monitoring/dashboards.js';
import { rulesOf } from '../../monitoring/rules-file.js';
import { shortened } from '../../monitoring/shortened.js';
import { eventually, ProcessCluster, sleep } from './cluster.js';
import { RunningPrometheus } from './prometheus.js';
import { SmallDisks } from './small-disks.js';
import { SteadyLoad } from './steady-load.js';

const workers = 4;
const keys = Array.from({ length: 48 }, (_, index) => `key-${index}`);
const diskBytes = 96 * 1024 * 1024;
/** Five minutes become five seconds; ten seconds are ten scrapes for a rate. */
const rules = shortened(rulesOf(alertGroups), 60, 10);

/**
 * What has nothing to say while all is well, and why. All else has to return a number, be it 0.
 */
const emptyInHealth: Record<string, string> = {
  kvorum_controller_failover_seconds: 'quantiles of failovers, of which there are none',
  kvorum_controller_ring_write_seconds: 'time of changes of the ring document, of which there are none',
  kvorum_cluster_repair_seconds_left: 'an estimate may be open for moments',
};

/** A machine that is busy with other tests is slow, which these notice rightly. */
const ofSlowMachines = [
  'KvorumSlowQuorum',
  'KvorumSlowDisk',
  'KvorumEventLoopLagging',
  'KvorumReplicaLagging',
];

interface ShownDashboard {
  uid: string;
  panels: { title: string; targets?: { expr: string }[] }[];
  annotations: { list: { expr: string }[] };
}

const shown = dashboards.map(({ json }) => json as unknown as ShownDashboard);

jest.setTimeout(600_000);
let cluster: ProcessCluster;
let prometheus: RunningPrometheus;
let load: SteadyLoad;
let urls: string[];
const disks = new SmallDisks(['worker-1'], diskBytes);

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) process.kill(pid, name);
}

beforeAll(async () => {
  const options = [
    '--partitions',
    '16',
    '--replacement-delay',
    '1h',
    '--suspicion',
    '4s',
    '--peer-silent',
    '4s',
  ];
  cluster = await ProcessCluster.start(options, disks);
  urls = Array.from({ length: workers }, (_, index) => cluster.workerUrl(index));
  load = new SteadyLoad({ urls, keys });
  prometheus = await RunningPrometheus.start(cluster.port, workers, rules);
});

afterAll(async () => {
  await load.stop();
  await prometheus.stop();
  await cluster.stop();
});

describe('a healthy cluster under load', () => {
  it('is scraped whole, and its metrics are well formed', async () => {
    await eventually('all targets are up', async () => {
      const up = await prometheus.query('up == 1');
      return up.length === workers + 1 || undefined;
    });
    for (const url of [cluster.controller, cluster.workerUrl(0)]) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const said = execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
      expect(said).toBe('');
    }
  });

  it('has a number for every expression of the dashboards', async () => {
    const expressions = shown.flatMap(({ uid, panels }) =>
      panels.flatMap(({ title, targets = [] }) =>
        targets.map(({ expr }) => ({ place: `${uid}: ${title}: ${expr}`, expr: inThisCluster(expr) })),
      ),
    );
    expect(expressions.length).toBeGreaterThan(60);
    await allHaveNumbers(expressions);
  });

  it('has every series that alerts ask for', async () => {
    const series = new Set(
      alertGroups
        .flatMap(({ alerts }) => alerts)
        .flatMap(({ expr }) => [...expr.matchAll(/[a-z]\w*\{[^}]*\}/g)].map(([selector]) => selector)),
    );
    expect(series.size).toBeGreaterThan(30);
    await allHaveNumbers([...series].map((expr) => ({ place: expr, expr })));
  });

  it('evaluates every rule and every annotation', async () => {
    for (const { annotations } of shown) {
      for (const { expr } of annotations.list)
        expect(await prometheus.query(inThisCluster(expr))).toEqual([]);
    }
    await eventually('every rule is evaluated', async () =>
      (await prometheus.unhealthyRules()).length === 0 ? true : undefined,
    );
  });

  it('fires no alert', async () => {
    let firing: string[] = [];
    await eventually(
      () => `no alert fires, but ${firing.join(', ')}`,
      async () => {
        firing = (await prometheus.firing()).map(({ name }) => name);
        return firing.every((name) => ofSlowMachines.includes(name)) || undefined;
      },
      180_000,
    );
  });
});

function inThisCluster(expression: string): string {
  return expression
    .replaceAll('$namespace', 'local')
    .replaceAll('$cluster', 'kvorum')
    .replaceAll('$worker', 'worker-1')
    .replaceAll('$__rate_interval', '15s');
}

async function allHaveNumbers(expressions: { place: string; expr: string }[]): Promise<void> {
  let empty: string[] = [];
  await eventually(
    () => `expressions without a number:\n${empty.join('\n')}\n`,
    async () => {
      empty = [];
      for (const { place, expr } of expressions) {
        if ((await prometheus.query(expr)).length > 0) continue;
        if (!Object.keys(emptyInHealth).some((name) => expr.includes(name))) empty.push(place);
      }
      return empty.length === 0 || undefined;
    },
  );
}

describe('a broken cluster', () => {
  it('has the loss of a worker, lasting lack of copies, and the loss of a quorum told, and their end', async () => {
    const [first, second] = [await cluster.pidOf('worker-2'), await cluster.pidOf('worker-3')];
    try {
      signal([first], 'SIGSTOP');
      const down = await prometheus.fires('KvorumWorkerDown');
      expect(down.labels).toMatchObject({ worker: 'worker-2', cluster: 'kvorum', severity: 'warning' });
      expect(down.annotations.summary).toBe('Worker worker-2 of local/kvorum is down');
      await prometheus.fires('KvorumUnderReplicated');
      await prometheus.fires('KvorumNotScraped');
      expect((await prometheus.firing()).map(({ name }) => name)).not.toContain('KvorumWithoutQuorum');
      signal([second], 'SIGSTOP');
      const lost = await prometheus.fires('KvorumWithoutQuorum');
      expect(lost.annotations.description).toMatch(/^[1-9]\d* partitions have no majority/);
    } finally {
      signal([first, second], 'SIGCONT');
    }
    await prometheus.clears(
      'KvorumWithoutQuorum',
      'KvorumWorkerDown',
      'KvorumNotScraped',
      'KvorumUnderReplicated',
    );
  });

  it('has the loss of the controller told, and its return', async () => {
    const controller = await cluster.controllerPid();
    try {
      signal([controller], 'SIGSTOP');
      await prometheus.fires('KvorumControllerDown');
    } finally {
      signal([controller], 'SIGCONT');
    }
    await prometheus.clears('KvorumControllerDown');
  });

  it('has slow writes told, and that they are fast again', async () => {
    await cluster.fullyReplicated();
    await prometheus.clears('KvorumSlowQuorum');
    const backups = await Promise.all(['worker-2', 'worker-3', 'worker-4'].map((id) => cluster.pidOf(id)));
    const own = await keysOf('worker-1');
    load.aimAt({ urls: [cluster.workerUrl(0)], keys: own });
    let over = false;
    const faltering = falter(backups, () => over);
    try {
      const slow = await prometheus.fires('KvorumSlowQuorum');
      expect(slow.annotations.description).toMatch(
        /^One write in a hundred takes longer than [5-9]\d\dms|[1-9]/,
      );
    } finally {
      over = true;
      await faltering;
      load.aimAt({ urls, keys });
    }
    await prometheus.clears('KvorumSlowQuorum');
  });

  it('has a disk that is nearly full told, and that there is room again', async () => {
    disks.fill('worker-1', diskBytes * 0.1);
    const full = await prometheus.fires('KvorumDiskNearlyFull');
    expect(full.labels).toMatchObject({ instance: 'worker-1', component: 'worker' });
    expect(full.annotations.description).toMatch(/^(\d|1[0-4])(\.\d+)?% of it is left/);
    disks.makeRoom('worker-1');
    await prometheus.clears('KvorumDiskNearlyFull');
  });
});

/** Keys whose primary is that worker. */
async function keysOf(worker: string): Promise<string[]> {
  return eventually(`${worker} is primary of some keys`, async () => {
    const placed = await Promise.all(keys.map(async (key) => ({ key, ...(await cluster.explain(key)) })));
    const own = placed.filter(({ primary }) => primary === worker).map(({ key }) => key);
    return own.length > 0 ? own : undefined;
  });
}

/** Processes that stand still for most of the time, though never long enough to be taken for dead. */
async function falter(pids: readonly number[], over: () => boolean): Promise<void> {
  while (!over()) {
    signal(pids, 'SIGSTOP');
    await sleep(1_000);
    signal(pids, 'SIGCONT');
    await sleep(300);
  }
}
