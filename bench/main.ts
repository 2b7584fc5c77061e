/**
 * `npm run bench`: writes and reads per second at several numbers of clients, with latencies and the workers'
 * processor time per operation, of a cluster of real processes on this machine. Trust ratios and processor
 * time; absolute rates move with the machine.
 */
import { Command } from 'commander';
import { startCluster } from './cluster-under-load.js';
import { runLoad } from './load.js';

const program = new Command('npm run bench --')
  .description('Measures writes and reads per second of a cluster on this machine.')
  .option('--clients <list>', 'numbers of clients, in turn', '1,16,64,256')
  .option('--seconds <n>', 'how long each measurement lasts', '5')
  .option('--keys <n>', 'number of different keys', '100000')
  .option('--value-bytes <n>', 'size of a value', '256')
  .option(
    '--route <how>',
    'any: each client speaks to one worker; primary: each request goes to its key’s primary',
    'any',
  )
  .option('--port <n>', 'first port of the cluster under load', '17400')
  .parse();

interface Options {
  clients: string;
  seconds: string;
  keys: string;
  valueBytes: string;
  route: string;
  port: string;
}
const options = program.opts<Options>();

interface Ring {
  partitions: { primary: { id: string } }[];
}

const cluster = await startCluster(Number(options.port));
try {
  const ring = (await (await fetch(new URL('/v1/ring', cluster.controller))).json()) as Ring;
  const primaries = options.route === 'primary' ? ring.partitions.map(({ primary }) => primary.id) : null;
  console.log(
    `${cluster.workers.length} workers, ${options.valueBytes}-byte values, route: ${options.route}`,
  );
  console.log('method clients      per second   p50 ms   p99 ms   CPU µs/op   failed');
  for (const method of ['PUT', 'GET'] as const) {
    for (const clients of options.clients.split(',').map(Number)) {
      const cpuBefore = await cluster.cpuMicros();
      const result = await runLoad(cluster.workers, {
        method,
        clients,
        primaries,
        seconds: Number(options.seconds),
        keys: Number(options.keys),
        valueBytes: Number(options.valueBytes),
      });
      const cpu = ((await cluster.cpuMicros()) - cpuBefore) / Math.max(1, result.operations);
      const columns = [
        method.padEnd(6),
        String(clients).padStart(7),
        result.perSecond.toFixed(0).padStart(15),
        result.p50Millis.toFixed(2).padStart(8),
        result.p99Millis.toFixed(2).padStart(8),
        cpu.toFixed(0).padStart(11),
        String(result.failed).padStart(8),
      ];
      console.log(columns.join(' '));
    }
  }
} finally {
  await cluster.stop();
}
