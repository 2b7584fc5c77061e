/** Whether the ports that the cluster needs are free, before anything is started. */
import { createServer } from 'node:net';
import { listenOn } from '../platform/listen.js';
import type { PlannedPort } from './process-plan.js';

/** Processes of a launcher that was killed need a moment to notice. */
const patienceMs = 5_000;
const retryMs = 200;

/** Sentences about ports that stay in use; empty when all are free. */
export async function portProblems(host: string, ports: readonly PlannedPort[]): Promise<string[]> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const problems: string[] = [];
    for (const { port, use } of ports) {
      const problem = await portProblem(host, port);
      if (problem !== null) problems.push(`${problem} (needed for ${use})`);
    }
    if (problems.length === 0 || performance.now() > giveUpAt) return problems;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function portProblem(host: string, port: number): Promise<string | null> {
  const server = createServer();
  try {
    await listenOn(server, host, port);
    await new Promise((resolve) => server.close(resolve));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
