/**
 * The commands of scenarios. Workers are named by their numbers; what a command prints has no times in it, so
 * that a transcript changes only when the behaviour does.
 *
 *   cluster workers=3 partitions=1 factor=3    a new cluster, ready to be used
 *   put W KEY VALUE [if VERSION|if absent] [request ID]    get W KEY [eventual|atleast VERSION]    delete W
 *   KEY
 *     (with `&` in front: begun, and told of when it is over)
 *   crash W..  power W..  start W..  pause W MS  suspend W MS  twin W  wipe W  full W  room W  damage W
 *   leave W partition 1|2,3,c    one-way 1>2    isolate W    heal     (c: the controller)
 *   drain W  remove W  stay W    controller stop|start    store down|up
 *   run MS    whole    status    rows W
 */
import { partitionOf } from '../../core/ring/hash.js';
import { defaultLimits } from '../../core/limits.js';
import type { Precondition, Version } from '../../core/protocol/operation.js';
import { keyBytes } from '../simulation/client.js';
import { Coverage } from '../simulation/coverage.js';
import { differenceFromWhole } from '../simulation/healing.js';
import type { HistoryCall, ReadCall, WriteCall } from '../simulation/judges/history.js';
import { versionText } from '../simulation/judges/history.js';
import { present } from '../simulation/present.js';
import type { Profile } from '../simulation/profile.js';
import { quietNetwork, quietRingStore } from '../simulation/profile.js';
import { Random } from '../simulation/random.js';
import type { WorkerNode, WorkerRun } from '../simulation/worker-node.js';
import { World } from '../simulation/world.js';

const wholeBoundMs = 60_000;

function scenarioProfile(sizes: Map<string, number>): Profile {
  const limits = {
    ...defaultLimits,
    applyDelayMs: 1,
    requestDeadlineMs: 3_000,
    replacementDelayMs: 4_000,
    logBytesPerPartitionMax: 600,
  };
  return {
    workers: sizes.get('workers') ?? 3,
    zones: 1,
    partitions: sizes.get('partitions') ?? 1,
    replicationFactor: sizes.get('factor') ?? 3,
    controllers: 1,
    storage: 'model',
    limits,
    network: quietNetwork(),
    disk: { commitMs: 1, commitJitterMs: 0.5, tableMs: 0.5, hangChance: 0, hangMsMax: 0 },
    ringStore: quietRingStore(limits),
    clients: {
      count: 1,
      keys: 1,
      thinkMs: 1,
      callsMax: 0,
      valueBytes: 1,
      requestIdChance: 0,
      unconditionalPart: 1,
    },
    driftMax: 0,
    slowLinkChance: 0,
    faultWeights: {},
    plot: null,
    faultEveryMs: 1,
    awayMs: 1,
    chaosMs: 0,
    faultless: true,
  };
}

function versionOf(text: string): Version {
  const [epoch, seq] = text.split('-').map(Number);
  return { epoch: present(epoch), seq: present(seq) };
}

export class ScenarioCluster {
  private world: World | null = null;
  private readonly random = new Random(1, 'scenario');
  private readonly told: string[] = [];

  history(): HistoryCall[] {
    return this.world?.history ?? [];
  }

  end(): void {
    this.world?.end();
  }

  /** What the command printed, and what was begun before and is over now. */
  execute(line: string): string[] {
    const [command = '', ...words] = line.split(/\s+/);
    const printed = this.run(command, words, line);
    return [...printed, ...this.told.splice(0)];
  }

  private run(command: string, words: string[], line: string): string[] {
    if (command === 'cluster') return this.create(words);
    const background = command.startsWith('&');
    const name = background ? command.slice(1) : command;
    if (name === 'put' || name === 'get' || name === 'delete') {
      return this.call(name, words, background ? line.slice(1) : null);
    }
    return this.control(name, words) ?? this.strike(name, words) ?? this.disturb(name, words);
  }

  private create(words: string[]): string[] {
    const sizes = new Map(
      words.map((word) => word.split('=')).map(([name = '', value]) => [name, Number(value)]),
    );
    const profile = scenarioProfile(sizes);
    this.world = new World({
      profile,
      random: this.random.fork('world'),
      coverage: new Coverage(),
      trace: null,
    });
    this.world.start();
    return this.awaitWhole();
  }

  private get cluster(): World {
    return present(this.world);
  }

  private pass(ms: number): void {
    this.cluster.scheduler.runUntil(this.cluster.scheduler.now + ms);
  }

  private awaitWhole(): string[] {
    for (let waited = 0; waited < wholeBoundMs; waited += 100) {
      if (differenceFromWhole(this.cluster) === undefined) return ['whole'];
      this.pass(100);
    }
    return [`not whole: ${differenceFromWhole(this.cluster) ?? ''}`];
  }

  private node(word: string | undefined): WorkerNode {
    return present(this.cluster.node(`w${word ?? ''}`));
  }

  private call(kind: 'put' | 'get' | 'delete', words: string[], background: string | null): string[] {
    const answers: string[] = [];
    const done = (text: string) => {
      answers.push(text);
      if (background !== null) this.told.push(`(${background}) ${text}`);
    };
    const [where = '', key = '', ...rest] = words;
    // `1old` is the older of two twins.
    const run = where.endsWith('old') ? this.node(where.slice(0, -3)).olderTwin : this.node(where).run;
    if (run === null) return ['connection refused'];
    if (kind === 'get') this.read(run, key, rest, done);
    else this.write(run, kind, key, rest, done);
    if (background !== null) return ['begun'];
    while (answers.length === 0) this.pass(1);
    return answers;
  }

  private read(run: WorkerRun, key: string, rest: string[], done: (text: string) => void): void {
    const consistency = rest[0] === 'eventual' ? ('eventual' as const) : ('linearizable' as const);
    const atLeast = rest[0] === 'atleast' ? versionOf(present(rest[1])) : null;
    const operation = { text: key, key: keyBytes(key), consistency, atLeast, headOnly: false };
    const reader = present(this.cluster.clients[0]);
    reader.read(operation, (call) => done(readText(call)), run);
  }

  private write(
    run: WorkerRun,
    kind: 'put' | 'delete',
    key: string,
    rest: string[],
    done: (text: string) => void,
  ): void {
    const value = kind === 'put' ? (rest.shift() ?? '') : '';
    const condition = rest.includes('if') ? rest[rest.indexOf('if') + 1] : undefined;
    const request = rest.includes('request') ? rest[rest.indexOf('request') + 1] : undefined;
    const call: WriteCall = {
      id: this.cluster.nextId(),
      key,
      partition: partitionOf(keyBytes(key), this.cluster.profile.partitions),
      kind,
      value,
      precondition: preconditionOf(condition),
      idempotencyKey: request ?? '',
      invokedAt: 0,
      returnedAt: Infinity,
      result: { type: 'unknown' },
    };
    // One try: a scenario repeats a request by itself.
    present(this.cluster.clients[0]).write(call, Infinity, (answered) => done(writeText(answered)), run);
  }

  private control(command: string, words: string[]): string[] | null {
    const world = this.cluster;
    const controller = present(world.controllers[0]);
    switch (command) {
      case 'run':
        this.pass(Number(words[0]));
        return ['ok'];
      case 'whole':
        return this.awaitWhole();
      case 'status':
        return this.status();
      case 'rows':
        return this.rows(this.node(words[0]));
      case 'controller':
        if (words[0] === 'stop') controller.stop();
        else controller.start();
        return ['ok'];
      case 'store':
        world.ringStore.setUnreachable(words[0] === 'down');
        return ['ok'];
      case 'drain':
      case 'remove':
      case 'stay': {
        const wish = command === 'drain' ? 'restart' : command;
        world.setWish(this.node(words[0]), wish);
        return ['ok'];
      }
      default:
        return null;
    }
  }

  private strike(command: string, words: string[]): string[] | null {
    const nodes = words.filter((word) => this.cluster.node(`w${word}`)).map((word) => this.node(word));
    const first = nodes[0];
    switch (command) {
      case 'crash':
        nodes.forEach((node) => node.stop('killed'));
        return ['ok'];
      case 'power':
        nodes.forEach((node) => node.stop('power'));
        return ['ok'];
      case 'start':
        nodes.forEach((node) => node.start());
        return ['ok'];
      case 'pause':
      case 'suspend':
        first?.run?.process.pause(Number(words[1]), command === 'suspend');
        return ['ok'];
      case 'twin':
        if (first !== undefined) this.twin(first);
        return ['ok'];
      case 'wipe':
        nodes.forEach((node) => {
          node.stop('power');
          node.disk.engine.wipe();
        });
        return ['ok'];
      case 'full':
      case 'room':
        nodes.forEach((node) => (node.disk.full = command === 'full'));
        return ['ok'];
      case 'damage':
        return [first?.disk.engine.damageRow(this.random) === true ? 'a row is damaged' : 'no row'];
      case 'leave':
        first?.run?.process.enter(() => first.run?.worker.leave());
        return ['ok'];
      default:
        return null;
    }
  }

  private twin(node: WorkerNode): void {
    const engine = this.cluster.newEngine();
    engine.restore(node.disk.engine.image());
    node.startTwin(this.cluster.newDisk(engine));
  }

  private disturb(command: string, words: string[]): string[] {
    const { network, nodes } = this.cluster;
    const place = (word: string) => (word === 'c' ? 'c1' : `w${word}`);
    const everyone = [...nodes.map(({ id }) => id), 'c1'];
    const blockBoth = (one: string, other: string) => {
      network.block(one, other);
      network.block(other, one);
    };
    if (command === 'heal') {
      network.heal();
    } else if (command === 'isolate') {
      const alone = place(words[0] ?? '');
      for (const other of everyone) if (other !== alone) blockBoth(alone, other);
    } else if (command === 'one-way') {
      const [from = '', to = ''] = (words[0] ?? '').split('>');
      network.block(place(from), place(to));
    } else if (command === 'partition') {
      const sides = (words[0] ?? '').split('|').map((side) => side.split(',').map(place));
      const [left = [], right = []] = sides;
      for (const one of left) for (const other of right) blockBoth(one, other);
    } else {
      throw new Error(`unknown command '${command}'`);
    }
    return ['ok'];
  }

  private status(): string[] {
    const world = this.cluster;
    return (world.ring?.partitions ?? []).map((record, partition) => {
      const replicas = record.voters.map(({ id }) => {
        const replica = world
          .node(id)
          ?.run?.worker.inspect()
          .find((found) => found.partition === partition);
        const role = id === record.primary.id ? (replica?.leader?.active === true ? '*' : '!') : '';
        return `${id}${role}=${replica === undefined ? 'gone' : `${replica.syncedEpoch}/${replica.lastSeq}`}`;
      });
      const learners = record.learners.map(({ id }) => ` learner ${id}`).join('');
      return `p${partition} epoch ${record.epoch}: ${replicas.join(' ')}${learners}`;
    });
  }

  private rows({ id, disk }: WorkerNode): string[] {
    const { partitions } = this.cluster.profile;
    return Array.from({ length: partitions }, (_, partition) => {
      const { appliedSeq, rows } = disk.engine.tableView(partition);
      const shown = [...rows].map(([key, row]) => `${key}=${row.value}@${row.epoch}-${row.seq}`).sort();
      return `${id} p${partition} applied ${appliedSeq}: ${shown.join(' ') || 'nothing'}`;
    });
  }
}

function preconditionOf(word: string | undefined): Precondition {
  if (word === undefined) return { type: 'none', versions: null };
  if (word === 'absent') return { type: 'ifNoneMatch', versions: null };
  return { type: 'ifMatch', versions: [versionOf(word)] };
}

function readText({ result }: ReadCall): string {
  if (result.type === 'found') return `${result.value} ${versionText(result.version)}`;
  return result.type;
}

function writeText({ result }: WriteCall): string {
  if (result.type === 'applied') {
    return `applied ${versionText(result.version)}${result.created ? ' created' : ''}`;
  }
  if (result.type === 'preconditionFailed')
    return `precondition failed, current ${versionText(result.current)}`;
  return result.type;
}
