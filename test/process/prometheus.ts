/** A real Prometheus for a test, which scrapes a cluster of processes on this machine. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { localConfiguration } from '../../monitoring/scrape.js';
import { rulesText } from '../../monitoring/rules-file.js';
import type { RulesFile } from '../../monitoring/rules-file.js';
import { eventually } from './cluster.js';
import { freePorts } from './free-ports.js';

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface FiringAlert {
  name: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface Answer {
  status: string;
  error?: string;
  data: unknown;
}

export class RunningPrometheus {
  private child: ChildProcess | null = null;
  private output = '';

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  /** Scrapes the cluster behind `clusterPort` every second, with `rules`. */
  static async start(clusterPort: number, workers: number, rules: RulesFile): Promise<RunningPrometheus> {
    const port = await freePorts(1);
    const folder = await mkdtemp(path.join(tmpdir(), 'kvorum-prometheus-'));
    const running = new RunningPrometheus(folder, port);
    const cluster = { port: clusterPort, workers, interval: '1s', rulesFile: 'alerts.yaml' };
    await writeFile(path.join(folder, 'prometheus.yaml'), localConfiguration(cluster));
    await writeFile(path.join(folder, 'alerts.yaml'), rulesText(rules));
    await running.launch();
    return running;
  }

  private async launch(): Promise<void> {
    const child = spawn(
      'prometheus',
      [
        `--config.file=${path.join(this.folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${path.join(this.folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${this.port}`,
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.on('error', (error) => (this.output += error.message));
    child.stderr.on('data', (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-10_000);
    });
    this.child = child;
    await eventually(
      () => `Prometheus is ready (install it: apt-get install prometheus)\n${this.output}`,
      async () => (await fetch(`http://127.0.0.1:${this.port}/-/ready`)).ok || undefined,
    );
  }

  /** What the expression returns now. Values that are not a number are left out: they show nothing. */
  async query(expression: string): Promise<Sample[]> {
    const answer = await this.ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { result } = answer as { result: { metric: Record<string, string>; value: [number, string] }[] };
    return result
      .map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
      .filter(({ value }) => !Number.isNaN(value));
  }

  /** Rules that Prometheus could not evaluate, or has not yet. */
  async unhealthyRules(): Promise<string[]> {
    const { groups } = (await this.ask('/api/v1/rules')) as {
      groups: { rules: { name: string; health: string }[] }[];
    };
    return groups
      .flatMap((group) => group.rules)
      .filter(({ health }) => health !== 'ok')
      .map(({ name, health }) => `${name}: ${health}`);
  }

  async firing(): Promise<FiringAlert[]> {
    const { alerts } = (await this.ask('/api/v1/alerts')) as {
      alerts: { state: string; labels: Record<string, string>; annotations: Record<string, string> }[];
    };
    return alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels, annotations }) => ({ name: labels.alertname ?? '', labels, annotations }));
  }

  /** Waits until an alert of this name fires. */
  fires(name: string, withinMs = 120_000): Promise<FiringAlert> {
    return eventually(
      `${name} fires`,
      async () => (await this.firing()).find((alert) => alert.name === name),
      withinMs,
    );
  }

  /** Waits until no alert of these names fires. */
  async clears(...names: string[]): Promise<void> {
    let left: string[] = [];
    await eventually(
      () => `${left.join(', ')} clear`,
      async () => {
        left = (await this.firing()).map(({ name }) => name).filter((name) => names.includes(name));
        return left.length === 0 || undefined;
      },
      180_000,
    );
  }

  private async ask(address: string): Promise<unknown> {
    const reply = await fetch(`http://127.0.0.1:${this.port}${address}`, {
      signal: AbortSignal.timeout(10_000),
    });
    const answer = (await reply.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${decodeURIComponent(address)}: ${answer.error ?? ''}`);
    return answer.data;
  }

  async stop(): Promise<void> {
    this.child?.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
