/**
 * A configuration of Prometheus for a cluster on this machine, as `npm start` makes it. On Kubernetes targets
 * are found instead of listed, see manifests/monitoring; either way they carry the same labels.
 */
import { stringify } from 'yaml';

export interface LocalCluster {
  /** Of the controller; workers take the ports that follow. */
  port: number;
  workers: number;
  /** Of each scrape and each evaluation of the rules, as Prometheus writes durations. */
  interval: string;
  /** Path of the rules file, relative to the configuration. */
  rulesFile: string;
}

export function localConfiguration({ port, workers, interval, rulesFile }: LocalCluster): string {
  const place = { namespace: 'local', cluster: 'kvorum' };
  const target = (offset: number, component: string, instance: string) => ({
    targets: [`127.0.0.1:${port + offset}`],
    labels: { ...place, component, instance },
  });
  const ordinals = Array.from({ length: workers }, (_, index) => index + 1);
  return stringify({
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: [rulesFile],
    scrape_configs: [
      {
        job_name: 'kvorum',
        static_configs: [
          target(0, 'operator', 'controller'),
          ...ordinals.map((ordinal) => target(ordinal, 'worker', `worker-${ordinal}`)),
        ],
      },
    ],
  });
}
