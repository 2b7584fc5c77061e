/** Will it last? */
import { of, steady } from './alert-case.js';
import type { AlertCases } from './alert-case.js';

const worker = { instance: 'kv-worker-0' };
const full = of('kvorum_disk_full', worker);
const free = of('kvorum_disk_free_bytes', worker);
const size = of('kvorum_disk_size_bytes', worker);
const open = of('process_open_fds', worker);
const most = of('process_max_fds', worker);

export const resourceCases: Record<string, AlertCases> = {
  KvorumDiskFull: {
    fires: {
      series: { [full]: '0 1 1 1' },
      at: '2m',
      labels: worker,
      summary: 'The disk of kv-worker-0 of shop/kv is full',
      description: 'It refuses writes (507), goes on serving reads, and hands its primaries over.',
    },
    silent: { series: { [full]: '0 1 0 1' }, at: '3m' },
  },
  KvorumDiskNearlyFull: {
    fires: {
      series: { [free]: steady(10), [size]: steady(100) },
      at: '6m',
      labels: worker,
      summary: 'The disk of kv-worker-0 of shop/kv is nearly full',
      description: '10% of it is left. When nothing is left, writes are refused.',
    },
    silent: { series: { [free]: steady(15), [size]: steady(100) }, at: '6m' },
  },
  KvorumDiskFillsSoon: {
    fires: {
      // 1 of 10,000 a minute: what is left lasts for about three days.
      series: { [free]: '4900-1x500', [size]: steady(10_000, 500) },
      at: '420m',
      labels: worker,
      summary: 'The disk of kv-worker-0 of shop/kv will be full within days',
      description: 'If it goes on growing as during the last 6 hours, it will be full within 4 days.',
    },
    silent: { series: { [free]: '9000-2x500', [size]: steady(10_000, 500) }, at: '420m' },
  },
  KvorumFileDescriptors: {
    fires: {
      series: { [open]: steady(900), [most]: steady(1_000) },
      at: '11m',
      labels: worker,
      summary: 'kv-worker-0 of shop/kv runs out of file descriptors',
      description: '90% of those it may have are open. Each connection takes one.',
    },
    silent: { series: { [open]: steady(800), [most]: steady(1_000) }, at: '11m' },
  },
};
