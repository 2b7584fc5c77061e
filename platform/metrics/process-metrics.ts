/** What every program of the cluster says of itself as a process. */
import { latencyBuckets } from '../../core/distribution.js';
import { counter, gauge, histogram } from './declaration.js';

export const processMetrics = {
  build: gauge(
    'kvorum_build_info',
    'Always 1; the labels say what runs. Two versions for longer than a rollout takes: the rollout is stuck.',
    { version: [], node: [] },
  ),
  eventLoopDelay: histogram(
    'kvorum_event_loop_delay_seconds',
    'How late a timer ran that fires twice a second. Above 50 ms the process stands still at times: too little processor time, ' +
      'or a pause of garbage collection; above 1 s others may take it for dead.',
    latencyBuckets,
  ),
  eventLoopActive: counter(
    'kvorum_event_loop_active_seconds_total',
    'Time in which the main thread was busy. A rate near 1 means that it can take no more load.',
  ),
  logged: counter(
    'kvorum_messages_logged_total',
    'Lines in the log by level, whether or not the level is shown. Errors are worth a look each.',
    { level: ['debug', 'info', 'warn', 'error'] },
  ),
};

/** Found by prom-client under their customary names; what it has beside these is left out. */
export const runtimeMetricNames: ReadonlySet<string> = new Set([
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_heap_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_external_memory_bytes',
  'nodejs_gc_duration_seconds',
  'nodejs_version_info',
]);
