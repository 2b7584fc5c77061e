/** Is it fast? */
import { growing, observed, of, steady } from './alert-case.js';
import type { AlertCases } from './alert-case.js';

const worker = { instance: 'kv-worker-0' };
const applyLag = of('kvorum_apply_lag_entries', worker);
const file = (name: string) => of('kvorum_store_file_bytes', { file: name, ...worker });
const overloaded = of('kvorum_requests_overloaded_total', worker);
const jumps = of('kvorum_clock_jumps_total', worker);

export const latencyCases: Record<string, AlertCases> = {
  KvorumSlowQuorum: {
    fires: {
      series: observed('kvorum_quorum_write_seconds', { below: 0.5, above: 1, share: 0.98, labels: worker }),
      at: '11m',
      summary: 'Writes to shop/kv are slow',
      description: 'One write in a hundred takes longer than 750ms to be durable on a quorum.',
    },
    silent: {
      series: observed('kvorum_quorum_write_seconds', { below: 0.5, above: 1, share: 0.995, labels: worker }),
      at: '11m',
    },
  },
  KvorumSlowDisk: {
    fires: {
      series: observed('kvorum_log_fsync_seconds', { below: 0.1, above: 0.2, share: 0.98, labels: worker }),
      at: '16m',
      labels: worker,
      summary: 'The disk of kv-worker-0 of shop/kv is slow',
      description: 'One commit in a hundred takes longer than 150ms to be on the disk.',
    },
    silent: {
      series: observed('kvorum_log_fsync_seconds', { below: 0.1, above: 0.2, share: 0.995, labels: worker }),
      at: '16m',
    },
  },
  KvorumApplyLagging: {
    fires: {
      series: { [applyLag]: steady(36_000) },
      at: '6m',
      labels: worker,
      summary: 'The table of kv-worker-0 of shop/kv is far behind its log',
      description: '36k committed entries wait to be applied; at 60,000 writes are refused.',
    },
    silent: { series: { [applyLag]: '36000+0x3 27000+0x3' }, at: '6m' },
  },
  KvorumCheckpointLagging: {
    fires: {
      series: { [file('log_wal')]: steady(1_073_741_824), [file('table')]: steady(9e12) },
      at: '16m',
      labels: { file: 'log_wal', ...worker },
      summary: 'Checkpoints of kv-worker-0 of shop/kv do not keep up',
      description: 'Its file log_wal has grown to 1GiB.',
    },
    silent: { series: { [file('log_wal')]: steady(5e8), [file('table')]: steady(9e12) }, at: '16m' },
  },
  KvorumOverloaded: {
    fires: {
      series: { [overloaded]: growing(30) },
      at: '7m',
      labels: worker,
      summary: 'kv-worker-0 of shop/kv refuses requests',
      description: '500m requests a second are answered by 429: more arrive than it can finish.',
    },
    silent: { series: { [overloaded]: '0 30+0x10' }, at: '9m' },
  },
  KvorumEventLoopLagging: {
    fires: {
      series: observed('kvorum_event_loop_delay_seconds', {
        below: 0.2,
        above: 0.5,
        share: 0.98,
        labels: worker,
      }),
      at: '16m',
      labels: worker,
      summary: 'kv-worker-0 of shop/kv stands still at times',
      description: 'One timer in a hundred runs late by 350ms or more; at 1.5 s others take it for dead.',
    },
    silent: {
      series: observed('kvorum_event_loop_delay_seconds', {
        below: 0.2,
        above: 0.5,
        share: 0.995,
        labels: worker,
      }),
      at: '16m',
    },
  },
  KvorumClockJumps: {
    fires: {
      series: { [jumps]: '0 0 2 2' },
      at: '3m',
      labels: worker,
      summary: 'The clock of kv-worker-0 of shop/kv jumps',
      description:
        'It dropped all its leases 2 times within an hour: the machine was suspended, or its clock was set.',
    },
    silent: { series: { [jumps]: '0 0 2+0x100' }, at: '90m' },
  },
};
