// Writes manifests/kvorum.yaml: what the chart makes with its defaults, for those who use kubectl alone.
//   npm run manifests               writes the file
//   npm run manifests -- --check    says whether it is what the chart makes now
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const chart = path.join(root, 'charts', 'kvorum');
const file = path.join(root, 'manifests', 'kvorum.yaml');
const introduction = `# Kvorum without Helm: what the chart makes for a release 'kv' in namespace 'default'.
# Made by \`npm run manifests\`.
#   kubectl apply --server-side -f manifests/kvorum.yaml
# The definition of KvorumCluster comes first; where it is new, apply the file a second time.
`;

const rendered = render();
if (!process.argv.includes('--check')) {
  writeFileSync(file, rendered);
  console.log(`wrote ${path.relative(root, file)}`);
} else if (readFileSync(file, 'utf8') !== rendered) {
  console.error('manifests/kvorum.yaml is not what the chart makes: run npm run manifests');
  process.exitCode = 1;
}

function render() {
  const helm = process.env.KVORUM_HELM || 'helm';
  const commandArguments = ['template', 'kv', chart, '--namespace', 'default', '--no-hooks', '--skip-tests'];
  const { status, stdout, stderr, error } = spawnSync(helm, commandArguments, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${helm} template failed: ${error?.message ?? stderr}`);
  const objects = stdout
    .split(/^---$/m)
    .map((document) => document.trim())
    .filter((document) => /^kind:/m.test(document))
    // Helm orders by kind, and which kind comes first has changed between its versions.
    .sort();
  return (
    introduction +
    [...definitions(), ...objects].map((document) => `---\n${withoutHelm(document)}\n`).join('')
  );
}

function definitions() {
  const folder = path.join(chart, 'crds');
  return readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8').trim());
}

/** These objects are not Helm's. */
function withoutHelm(document) {
  return document
    .split('\n')
    .filter((line) => !/^\s*(app\.kubernetes\.io\/managed-by: Helm|helm\.sh\/chart: .*)$/.test(line))
    .join('\n');
}
