/** Every file that is made from the code in this folder, by its path in the repository. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { alertGroups } from './alerts.js';
import { withAlertTable } from './alert-table.js';
import { dashboards } from './dashboards.js';
import { rulesOf, rulesText } from './rules-file.js';
import { localConfiguration } from './scrape.js';

const made = '# Made by `npm run monitoring` from the folder monitoring/: change it there.\n';
const tablePage = 'docs/monitoring.md';

export function generatedFiles(root: string): Map<string, string> {
  const rules = made + rulesText(rulesOf(alertGroups));
  const local = localConfiguration({ port: 7_400, workers: 4, interval: '5s', rulesFile: 'alerts.yaml' });
  const files = new Map([
    ['manifests/monitoring/alerts.yaml', rules],
    ['charts/kvorum/files/alerts.yaml', rules],
    ['manifests/monitoring/local.yaml', `${localIntroduction}${made}${local}`],
    [tablePage, withAlertTable(readFileSync(path.join(root, tablePage), 'utf8'), alertGroups)],
  ]);
  for (const { uid, json } of dashboards) {
    const text = `${JSON.stringify(json, null, 2)}\n`;
    files.set(`manifests/monitoring/dashboards/${uid}.json`, text);
    files.set(`charts/kvorum/dashboards/${uid}.json`, text);
  }
  return files;
}

const localIntroduction = `# For Prometheus on this machine, beside \`npm start\`:
#   prometheus --config.file manifests/monitoring/local.yaml --storage.tsdb.path /tmp/kvorum-prometheus
`;
