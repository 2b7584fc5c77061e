/** Will it last? What a worker can run out of. */
import { select, theProcess } from '../alert.js';
import type { AlertGroup } from '../alert.js';

const free = select('kvorum_disk_free_bytes');
const size = select('kvorum_disk_size_bytes');

export const resourceAlerts: AlertGroup = {
  name: 'kvorum-resources',
  about: 'will it last',
  alerts: [
    {
      name: 'KvorumDiskFull',
      severity: 'critical',
      holdsFor: '30s',
      expr: `${select('kvorum_disk_full')} == 1`,
      meaning: 'a worker refuses writes for want of room',
      summary: `The disk of ${theProcess} is full`,
      description: 'It refuses writes (507), goes on serving reads, and hands its primaries over.',
    },
    {
      name: 'KvorumDiskNearlyFull',
      severity: 'warning',
      holdsFor: '5m',
      expr: `${free} / ${size} < 0.15`,
      meaning: 'a disk has less than 15 % left',
      summary: `The disk of ${theProcess} is nearly full`,
      description:
        '{{ $value | humanizePercentage }} of it is left. When nothing is left, writes are refused.',
    },
    {
      name: 'KvorumDiskFillsSoon',
      severity: 'warning',
      holdsFor: '1h',
      expr: `predict_linear(${free}[6h], 4 * 86400) < 0 and ${free} / ${size} < 0.5`,
      meaning: 'a disk that is half full will be full within four days, as it grew for six hours',
      summary: `The disk of ${theProcess} will be full within days`,
      description: 'If it goes on growing as during the last 6 hours, it will be full within 4 days.',
    },
    {
      name: 'KvorumFileDescriptors',
      severity: 'warning',
      holdsFor: '10m',
      expr: `${select('process_open_fds')} / ${select('process_max_fds')} > 0.8`,
      meaning: 'a process may soon accept no more connections',
      summary: `${theProcess} runs out of file descriptors`,
      description:
        '{{ $value | humanizePercentage }} of those it may have are open. Each connection takes one.',
    },
  ],
};
