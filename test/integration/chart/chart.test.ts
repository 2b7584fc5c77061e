/**
 * The chart as Helm renders it: lint, every values file that is shipped, the names that people rely on,
 * rights no wider than stated, and a schema that refuses nonsense. Helm is taken from KVORUM_HELM or the
 * PATH; where there is none, what can be said without it is still tested, and the run says which part was
 * not.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse, parseAllDocuments } from 'yaml';

const root = path.resolve(import.meta.dirname, '../../../..');
const chart = path.join(root, 'charts/kvorum');
const monitoring = ['ServiceMonitor', 'PrometheusRule'].flatMap((kind) => [
  '--api-versions',
  `monitoring.coreos.com/v1/${kind}`,
]);

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: Record<string, unknown>;
  rules?: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
}

const givenHelm = process.env.KVORUM_HELM ?? '';
const helm = givenHelm === '' ? 'helm' : givenHelm;
const hasHelm = spawnSync(helm, ['version'], { stdio: 'ignore' }).status === 0;

function runHelm(...commandArguments: string[]) {
  const { status, stdout, stderr } = spawnSync(helm, commandArguments, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function template(...options: string[]): KubernetesObject[] {
  const { status, stdout, stderr } = runHelm('template', 'kv', chart, '--namespace', 'shop', ...options);
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

function readYaml(file: string): unknown {
  return parse(readFileSync(path.join(root, file), 'utf8'));
}

function kindsAndNames(objects: KubernetesObject[]): string[] {
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
}

const valuesFiles = readdirSync(path.join(chart, 'ci'));
const schema = JSON.parse(readFileSync(path.join(chart, 'values.schema.json'), 'utf8')) as object;

function schemaFaults(values: unknown): string {
  const ajv = new Ajv({ allErrors: true, strict: false });
  return ajv.validate(schema, values) ? '' : ajv.errorsText();
}

/** The defaults with one value changed, given by its path. */
function changed(at: string, value: unknown): unknown {
  const values = readYaml('charts/kvorum/values.yaml') as Record<string, unknown>;
  const steps = at.split('.');
  const last = steps.pop() ?? '';
  let inner = values;
  for (const step of steps) inner = inner[step] as Record<string, unknown>;
  inner[last] = value;
  return values;
}

const always = ['Deployment', 'KvorumCluster', 'Pod', 'Service'];
const kindsWith: Record<string, string[]> = {
  'everything-values.yaml': [
    ...[
      'ClusterRole',
      'ClusterRoleBinding',
      'ConfigMap',
      'Deployment',
      'KvorumCluster',
      'NetworkPolicy',
      'Pod',
    ],
    ...[
      'PodDisruptionBudget',
      'PrometheusRule',
      'Role',
      'RoleBinding',
      'Service',
      'ServiceAccount',
      'ServiceMonitor',
    ],
  ],
  'minimal-values.yaml': [
    'ClusterRole',
    'ClusterRoleBinding',
    ...always,
    'Role',
    'RoleBinding',
    'ServiceAccount',
  ].sort(),
  'namespaced-values.yaml': [
    ...[
      ...always,
      'PodDisruptionBudget',
      'PrometheusRule',
      'Role',
      'RoleBinding',
      'ServiceAccount',
      'ServiceMonitor',
    ].sort(),
  ],
  'restricted-values.yaml': [...always, 'PodDisruptionBudget', 'PrometheusRule', 'ServiceMonitor'].sort(),
};

describe('the schema of the values', () => {
  it('takes the defaults', () => {
    expect(schemaFaults(readYaml('charts/kvorum/values.yaml'))).toBe('');
  });

  it.each([
    ['cluster.workers', '4'],
    ['cluster.workers', 0],
    ['cluster.replicationFactor', 2],
    ['cluster.partitions', 100],
    ['cluster.storage.size', 'large'],
    ['cluster.worker', 4],
    ['cluster.resources.request', {}],
    ['cluster.rebalance.maxBytesPerSecond', 1],
    ['image.pullPolicy', 'Sometimes'],
    ['image.repository', 'kvorum:latest'],
    ['image.repository', ''],
    ['image.tag', 'a b'],
    ['operator.replicas', 0],
    ['operator.logLevel', 'loud'],
    ['metrics.serviceMonitor.interval', '15'],
    ['networkPolicy.enabled', 'yes'],
    ['clusters', {}],
  ])('refuses %s: %j', (at, value) => {
    expect(schemaFaults(changed(at, value))).not.toBe('');
  });

  it('has a comment in values.yaml for everything that can be set', () => {
    const lines = readFileSync(path.join(chart, 'values.yaml'), 'utf8').split('\n');
    // Named by the comment of the line before them, or by what they are in Kubernetes everywhere.
    const plain = /^(cpu|memory|labels|annotations|podLabels|podAnnotations|tolerations|affinity)\b/;
    const uncommented = lines.filter((line, index) => {
      const key = line.trim();
      const isSetting = /^[A-Za-z_]+: \S/.test(key) && !plain.test(key);
      return (
        isSetting && !/^\s*#/.test(lines[index - 1] ?? '') && !line.startsWith('grafana', line.search(/\S/))
      );
    });
    expect(uncommented.map((line) => line.trim())).toEqual([]);
  });
});

describe('the examples of a KvorumCluster', () => {
  const definition = readYaml('charts/kvorum/crds/kvorumclusters.yaml') as {
    spec: { versions: { schema: { openAPIV3Schema: object } }[] };
  };
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  const validate = ajv.compile(closed(definition.spec.versions[0]?.schema.openAPIV3Schema ?? {}) as object);

  /** The API server drops unknown fields; here they are mistakes. */
  function closed(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(closed);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, inner]) => [key, closed(inner)]);
    const copy = Object.fromEntries(entries) as Record<string, unknown>;
    const isObject = copy.type === 'object' && 'properties' in copy && !('additionalProperties' in copy);
    return isObject && copy.description !== undefined ? { ...copy, additionalProperties: false } : copy;
  }

  it.each(readdirSync(path.join(root, 'manifests/examples')))('%s fits the definition', (file) => {
    const example = readYaml(`manifests/examples/${file}`) as KubernetesObject;
    expect(example.kind).toBe('KvorumCluster');
    validate(example);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('would be refused with a field that does not exist', () => {
    const example = readYaml('manifests/examples/small.yaml') as KubernetesObject;
    expect(validate({ ...example, spec: { ...example.spec, replicas: 3 } })).toBe(false);
  });
});

if (!hasHelm) {
  describe('the rendered chart', () => {
    it('needs Helm: none was found, so the templates were not rendered', () => {
      process.stderr.write(
        'chart: no helm in the PATH and KVORUM_HELM is not set; templates were not rendered\n',
      );
      expect(givenHelm).toBe('');
      expect(existsSync(path.join(chart, 'templates/operator-deployment.yaml'))).toBe(true);
    });
  });
} else {
  describe('the rendered chart', () => {
    let objects: KubernetesObject[] = [];
    beforeAll(() => {
      objects = template();
    });

    it('passes helm lint, with the defaults and with each values file', () => {
      for (const options of [[], ...valuesFiles.map((file) => ['--values', path.join(chart, 'ci', file)])]) {
        const { status, stdout, stderr } = runHelm('lint', '--strict', chart, ...options);
        expect(`${status === 0 ? '' : stdout}${stderr.replace(/^.*level=.*$/gm, '').trim()}`).toBe('');
      }
    });

    it('has the names that people rely on', () => {
      expect(kindsAndNames(objects)).toEqual([
        'ClusterRole shop-kv-operator',
        'ClusterRoleBinding shop-kv-operator',
        'Deployment kv-operator',
        'KvorumCluster kv',
        'Pod kv-test',
        'PodDisruptionBudget kv-operator',
        'Role kv-operator',
        'RoleBinding kv-operator',
        'Service kv-operator',
        'ServiceAccount kv-operator',
      ]);
      for (const { metadata } of objects) {
        expect(metadata.labels).toMatchObject({
          'app.kubernetes.io/name': 'kvorum',
          'app.kubernetes.io/instance': 'kv',
        });
      }
    });

    it.each(valuesFiles)('renders with %s', (file) => {
      const withFile = template('--values', path.join(chart, 'ci', file), ...monitoring);
      expect(withFile.some(({ kind }) => kind === 'KvorumCluster')).toBe(true);
      expect(withFile.map(({ kind }) => kind).sort()).toEqual(kindsWith[file]);
    });

    it('gives the image values to operator, workers and test alike', () => {
      const set = ['repository=r.example/k', 'tag=v9', 'pullPolicy=Always'].flatMap((value) => [
        '--set',
        `image.${value}`,
      ]);
      const rendered = template(...set);
      const cluster = rendered.find(({ kind }) => kind === 'KvorumCluster');
      expect(cluster?.spec).toMatchObject({ image: 'r.example/k:v9', imagePullPolicy: 'Always' });
      const text = JSON.stringify(rendered.filter(({ kind }) => kind === 'Deployment' || kind === 'Pod'));
      expect([...text.matchAll(/"image":"([^"]*)"/g)].map(([, image]) => image)).toEqual([
        'r.example/k:v9',
        'r.example/k:v9',
      ]);
      expect([...text.matchAll(/"imagePullPolicy":"([^"]*)"/g)].map(([, policy]) => policy)).toEqual([
        'Always',
        'Always',
      ]);
    });

    it('makes a KvorumCluster of nothing that its definition does not know', () => {
      const definition = readYaml('charts/kvorum/crds/kvorumclusters.yaml') as {
        spec: {
          versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: object } } } } }[];
        };
      };
      const known = Object.keys(
        definition.spec.versions[0]?.schema.openAPIV3Schema.properties.spec.properties ?? {},
      );
      const everything = template('--values', path.join(chart, 'ci/everything-values.yaml'));
      const cluster = everything.find(({ kind }) => kind === 'KvorumCluster');
      expect(known).toEqual(expect.arrayContaining(Object.keys(cluster?.spec ?? { none: 0 })));
    });

    it('asks for no right by wildcard or over secrets, and cluster-wide only to read', () => {
      const roles = objects.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
      expect(roles).toHaveLength(2);
      for (const { kind, rules = [] } of roles) {
        const text = JSON.stringify(rules);
        expect(text).not.toContain('*');
        expect(text).not.toContain('secrets');
        if (kind !== 'ClusterRole') continue;
        const writing = rules.filter(({ verbs }) =>
          verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)),
        );
        expect(writing.map(({ resourceNames }) => resourceNames)).toEqual([['kvorumclusters.kvorum.dev']]);
      }
    });

    it('makes no object of a kind that the cluster does not know', () => {
      const kinds = new Set(objects.map(({ kind }) => kind));
      expect(kinds.has('ServiceMonitor') || kinds.has('PrometheusRule')).toBe(false);
      const known = new Set(template(...monitoring).map(({ kind }) => kind));
      expect(known.has('ServiceMonitor') && known.has('PrometheusRule')).toBe(true);
    });

    it('has the annotations by which a Prometheus without an operator finds the pods', () => {
      const annotations = (options: string[]) => {
        const deployment = template(...options).find(({ kind }) => kind === 'Deployment');
        return (deployment?.spec?.template as { metadata: { annotations: object } }).metadata.annotations;
      };
      const scraped = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' };
      expect(annotations([])).toMatchObject(scraped);
      const off = ['--set-string', 'operator.podAnnotations.prometheus\\.io/scrape=false'];
      expect(annotations(off)).toMatchObject({ ...scraped, 'prometheus.io/scrape': 'false' });
    });

    it('runs operator and test under the restricted level of pod security', () => {
      const pods = [
        (objects.find(({ kind }) => kind === 'Deployment')?.spec?.template as { spec: object } | undefined)
          ?.spec,
        objects.find(({ kind }) => kind === 'Pod')?.spec,
      ];
      for (const spec of pods) {
        expect(spec).toMatchObject({
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        });
      }
    });

    it.each([
      [
        'a release name that cannot be the name of a Service',
        ['template', '1kv', chart],
        'must start with a letter',
      ],
      ['a release name that is too long', ['template', 'k'.repeat(41), chart], '40 characters'],
      ['a value that does not exist', ['template', 'kv', chart, '--set', 'cluster.worker=4'], 'worker'],
      ['a tag in the repository', ['template', 'kv', chart, '--set', 'image.repository=a:b'], 'repository'],
    ])('refuses %s', (_, commandArguments, reason) => {
      const { status, stderr } = runHelm(...commandArguments);
      expect(status).not.toBe(0);
      expect(stderr).toContain(reason);
    });

    it('is what manifests/kvorum.yaml holds (npm run manifests)', () => {
      const script = path.join(root, 'scripts/render-manifests.mjs');
      const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
      expect(`${stderr}${status ?? 'killed'}`).toBe('0');
    });
  });
}
