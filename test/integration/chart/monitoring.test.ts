/**
 * What the chart makes for monitoring, as Helm renders it with every toggle on: rules that Prometheus takes
 * and that speak of this release alone, dashboards unchanged, each process scraped once. And the example in
 * manifests/monitoring. Helm is taken from KVORUM_HELM or the PATH; where there is none, what can be said
 * without it is still tested.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { Rule, RulesFile } from '../../../monitoring/rules-file.js';

const root = path.resolve(import.meta.dirname, '../../../..');
const chart = path.join(root, 'charts/kvorum');
const example = path.join(root, 'manifests/monitoring');

interface Relabeling {
  action?: string;
  sourceLabels: string[];
  targetLabel?: string;
  regex?: string;
}

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  data?: Record<string, string>;
  spec?: Record<string, unknown>;
}

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

function documents(text: string): KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

function rulesIn({ groups }: RulesFile): Rule[] {
  return groups.flatMap(({ rules }) => rules);
}

/** Throws what promtool says against the rules. */
function checkRules(rules: RulesFile): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'kvorum-chart-rules-'));
  try {
    const file = path.join(folder, 'rules.yaml');
    writeFileSync(file, stringify(rules));
    execFileSync('promtool', ['check', 'rules', file], { stdio: 'pipe' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const givenHelm = process.env.KVORUM_HELM ?? '';
const helm = givenHelm === '' ? 'helm' : givenHelm;
const hasHelm = spawnSync(helm, ['version'], { stdio: 'ignore' }).status === 0;

function template(...options: string[]): KubernetesObject[] {
  const kinds = ['ServiceMonitor', 'PrometheusRule'].map((kind) => `monitoring.coreos.com/v1/${kind}`);
  const versions = kinds.flatMap((kind) => ['--api-versions', kind]);
  const where = ['template', 'kv', chart, '--namespace', 'shop'];
  return documents(execFileSync(helm, [...where, ...versions, ...options], { encoding: 'utf8' }));
}

const plainRules = parse(read('manifests/monitoring/alerts.yaml')) as RulesFile;

describe('the plain rules', () => {
  it('are those that the chart carries, and Prometheus takes them', () => {
    expect(read('charts/kvorum/files/alerts.yaml')).toBe(read('manifests/monitoring/alerts.yaml'));
    checkRules(plainRules);
  });
});

describe('the example for kubectl', () => {
  const files = readdirSync(example).filter((name) => name.endsWith('.yaml'));

  it('names in its kustomization files that are there', () => {
    const { resources, configMapGenerator } = parse(read('manifests/monitoring/kustomization.yaml')) as {
      resources: string[];
      configMapGenerator: { name: string; files: string[] }[];
    };
    const named = configMapGenerator.flatMap((map) => map.files.map((file) => file.replace(/^.*=/, '')));
    for (const file of [...resources, ...named]) {
      expect([file, existsSync(path.join(example, file))]).toEqual([file, true]);
    }
    const notForKubernetes = ['kustomization.yaml', 'local.yaml'];
    expect(files.filter((file) => ![...resources, ...named, ...notForKubernetes].includes(file))).toEqual([]);
  });

  it('runs both programs without rights, accounts or a file system of their own', () => {
    const objects = files.flatMap((file) => documents(read(`manifests/monitoring/${file}`)));
    const deployments = objects.filter(({ kind }) => kind === 'Deployment');
    expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual(['grafana', 'prometheus']);
    for (const { spec } of deployments) {
      expect((spec?.template as { spec: object }).spec).toMatchObject({
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [{ securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } } }],
      });
    }
    const role = objects.find(({ kind }) => kind === 'ClusterRole') as { rules?: unknown } | undefined;
    expect(role?.rules).toEqual([{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }]);
  });

  it('gives series the labels that alerts and dashboards go by', () => {
    const scrape = parse(read('manifests/monitoring/scrape.yaml')) as {
      scrape_configs: { relabel_configs: { target_label?: string; source_labels: string[] }[] }[];
    };
    const made = scrape.scrape_configs[0]?.relabel_configs.map(({ target_label: label }) => label);
    expect(made).toEqual(expect.arrayContaining(['namespace', 'cluster', 'component', 'instance']));
  });
});

if (!hasHelm) {
  describe('the rendered chart', () => {
    it('needs Helm: none was found, so what it makes for monitoring was not rendered', () => {
      process.stderr.write('chart: no helm, so that what it makes for monitoring was not rendered\n');
      expect(givenHelm).toBe('');
    });
  });
} else {
  describe('the chart with everything on', () => {
    const objects = template('--values', path.join(chart, 'ci/everything-values.yaml'));
    const only = (kind: string, name = 'kv') => {
      const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
      expect(found).toHaveLength(1);
      return found[0];
    };

    it('makes a PrometheusRule of all alerts, and Prometheus takes them', () => {
      const object = only('PrometheusRule');
      expect(object?.metadata).toMatchObject({ namespace: 'shop', labels: { release: 'prometheus' } });
      const rules = object?.spec as unknown as RulesFile;
      checkRules(rules);
      expect(rulesIn(rules).map(({ alert }) => alert)).toEqual(rulesIn(plainRules).map(({ alert }) => alert));
    });

    it('narrows the alerts to this release, and changes nothing else but where runbooks are', () => {
      const rules = rulesIn(only('PrometheusRule')?.spec as unknown as RulesFile);
      rulesIn(plainRules).forEach((plain, index) => {
        const rule = rules[index];
        const selectors = [...(rule?.expr ?? '').matchAll(/\w\{([^}]*)\}/g)].map(([, matchers]) => matchers);
        expect(selectors.length).toBeGreaterThan(0);
        for (const matchers of selectors) expect(matchers).toContain('namespace="shop",cluster="kv"');
        const widened = rule?.expr.replaceAll('namespace="shop",cluster="kv"', 'cluster!=""');
        const annotations = {
          ...plain.annotations,
          runbook_url: `https://runbooks.example/kvorum/${plain.alert}`,
        };
        expect({ ...rule, expr: widened }).toEqual({ ...plain, annotations });
      });
    });

    it('makes a ServiceMonitor that scrapes each process once and names it as the controller does', () => {
      const spec = only('ServiceMonitor')?.spec as {
        selector: object;
        endpoints: { port: string; path: string; relabelings: Relabeling[] }[];
      };
      expect(spec.selector).toMatchObject({ matchLabels: { 'app.kubernetes.io/instance': 'kv' } });
      expect(spec.endpoints).toHaveLength(1);
      const [endpoint] = spec.endpoints;
      expect(endpoint).toMatchObject({ port: 'http', path: '/metrics' });
      expect(endpoint?.relabelings).toContainEqual({
        action: 'drop',
        sourceLabels: ['__meta_kubernetes_service_name'],
        regex: 'kv',
      });
      const made = Object.fromEntries(
        endpoint?.relabelings.map(({ targetLabel, sourceLabels }) => [targetLabel, sourceLabels[0]]) ?? [],
      ) as object;
      expect(made).toMatchObject({
        cluster: '__meta_kubernetes_pod_label_app_kubernetes_io_instance',
        component: '__meta_kubernetes_pod_label_app_kubernetes_io_component',
        instance: '__meta_kubernetes_pod_name',
      });
    });

    it('carries the dashboards in a ConfigMap with the label that Grafana’s sidecar looks for', () => {
      const object = only('ConfigMap', 'kv-dashboards');
      expect(object?.metadata.labels).toMatchObject({ grafana_dashboard: '1' });
      const names = readdirSync(path.join(chart, 'dashboards'));
      expect(Object.keys(object?.data ?? {}).sort()).toEqual(names.sort());
      for (const name of names) {
        const dashboard: unknown = JSON.parse(read(`charts/kvorum/dashboards/${name}`));
        expect(JSON.parse(object?.data?.[name] ?? '')).toEqual(dashboard);
      }
      // What kubectl apply can note in an annotation.
      expect(JSON.stringify(object).length).toBeLessThan(262_144);
    });

    it('makes none of them unless it is asked to', () => {
      const off = ['serviceMonitor', 'prometheusRule'].flatMap((name) => [
        '--set',
        `metrics.${name}.enabled=false`,
      ]);
      const kinds = template(...off).map(({ kind }) => kind);
      for (const kind of ['ServiceMonitor', 'PrometheusRule', 'ConfigMap']) expect(kinds).not.toContain(kind);
    });
  });
}
