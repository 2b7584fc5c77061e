/** Clients that put and get without haste, so that every series has something to tell. */
import { sleep } from './cluster.js';

export interface LoadTarget {
  urls: readonly string[];
  keys: readonly string[];
}

const clients = 6;
const pauseMs = 20;

export class SteadyLoad {
  private stopped = false;
  private readonly loops: Promise<void>[];

  constructor(private target: LoadTarget) {
    this.loops = Array.from({ length: clients }, (_, index) => this.loop(index));
  }

  aimAt(target: LoadTarget): void {
    this.target = target;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
  }

  private async loop(client: number): Promise<void> {
    for (let turn = client; !this.stopped; turn += 1) {
      const { urls, keys } = this.target;
      const address = `${urls[turn % urls.length] ?? ''}/v1/kv/${keys[(turn * 7) % keys.length] ?? ''}`;
      const write = turn % 3 !== 2;
      try {
        const reply = await fetch(address, {
          ...(write ? { method: 'PUT', body: `turn ${turn}` } : {}),
          signal: AbortSignal.timeout(5_000),
        });
        await reply.arrayBuffer();
      } catch {
        // What is broken on purpose does not answer.
      }
      await sleep(pauseMs);
    }
  }
}
