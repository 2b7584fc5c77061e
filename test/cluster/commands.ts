/**
 * What the cluster tests run: kubectl and helm against the cluster that KUBECONFIG names, and the faults that
 * no API offers (a node's power, a cable, the control plane) as commands from the environment, since only
 * whoever set up the machines knows.
 */
import { spawn } from 'node:child_process';

export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export interface RunOptions {
  input?: string;
  environment?: Record<string, string>;
  timeoutMs?: number;
}

const outputBytesMax = 256 * 1024 * 1024;

/** Resolves with what the command wrote; throws CommandError with its last words if it fails. */
export function run(command: string, commandArguments: string[], options: RunOptions = {}): Promise<string> {
  const { input, environment, timeoutMs = 120_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArguments, {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const output: Buffer[] = [];
    let outputBytes = 0;
    let errors = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length;
      if (outputBytes <= outputBytesMax) output.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors = (errors + chunk).slice(-4_000)));
    const fail = (reason: string) => {
      clearTimeout(timer);
      reject(new CommandError(`${[command, ...commandArguments].join(' ').slice(0, 300)}: ${reason}`));
    };
    child.on('error', (error) => fail(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const text = Buffer.concat(output).toString('utf8');
      if (code === 0 && outputBytes <= outputBytesMax) resolve(text);
      else
        fail(signal === null ? `exit ${code ?? '?'}: ${errors || text.slice(-2_000)}` : `ended by ${signal}`);
    });
    // A command that ends without reading what it is given says so by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

export function helm(commandArguments: string[], timeoutMs = 300_000): Promise<string> {
  return run(process.env.KVORUM_HELM ?? 'helm', commandArguments, { timeoutMs });
}

export type Fault =
  | 'NODE_KILL'
  | 'NODE_START'
  | 'NODE_CUT'
  | 'NODE_HEAL'
  | 'NODE_DELETE'
  | 'NODE_EXEC'
  | 'API_STOP'
  | 'API_START';

export const faultDescriptions: Record<Fault, string> = {
  NODE_KILL: 'ends every process of the node $NODE at once, as a loss of power does',
  NODE_START: 'starts the node $NODE again',
  NODE_CUT: 'cuts the node $NODE off the network, and leaves it running',
  NODE_HEAL: 'connects the node $NODE again',
  NODE_DELETE: 'removes the node $NODE for ever, with its disks',
  NODE_EXEC: 'runs the shell command $COMMAND among the processes of the node $NODE',
  API_STOP: 'stops the API server',
  API_START: 'starts the API server again',
};

export function canInflict(fault: Fault): boolean {
  return (process.env[`KVORUM_${fault}`] ?? '') !== '';
}

/** The command is a line for bash; NODE and COMMAND are given in its environment. */
export async function inflict(fault: Fault, node = '', command = ''): Promise<string> {
  const line = process.env[`KVORUM_${fault}`];
  if (line === undefined || line === '') throw new CommandError(`KVORUM_${fault} is not set`);
  return run('bash', ['-c', line], { environment: { NODE: node, COMMAND: command } });
}

/** Shorter if the signal says so. */
export function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    signal?.addEventListener('abort', end);
  });
}

/** Calls `probe` until it returns something, and gives up with what it said last. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined>,
  intervalMs = 500,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let last = 'not yet';
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1_000} s (${last})`);
    await pause(intervalMs);
  }
}
