// Writes the tables of metrics in docs/monitoring.md from what the programs declare.
//   npm run docs:metrics                writes the file
//   npm run docs:metrics -- --check     says whether it is what the programs declare now
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { workerDeclarations } from '../dist/node/metrics/worker-metrics.js';
import { controllerDeclarations } from '../dist/operator/metrics/controller-metrics.js';
import { processMetrics } from '../dist/platform/metrics/process-metrics.js';
import { streamMetrics } from '../dist/platform/stream/stream-metrics.js';

const file = path.resolve(import.meta.dirname, '../docs/monitoring.md');
const shared = new Set([...Object.values(processMetrics), ...Object.values(streamMetrics)]);
const tables = {
  worker: workerDeclarations.filter((declaration) => !shared.has(declaration) && !declaration.perPartition),
  partition: workerDeclarations.filter(({ perPartition }) => perPartition),
  controller: controllerDeclarations.filter((declaration) => !shared.has(declaration)),
  both: [...shared],
};

const before = readFileSync(file, 'utf8');
let text = before;
for (const [name, declarations] of Object.entries(tables)) text = withTable(text, name, declarations);
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
  console.log('wrote docs/monitoring.md');
} else if (text !== before) {
  console.error('docs/monitoring.md is not what the programs declare: run npm run docs:metrics');
  process.exitCode = 1;
}

function withTable(document, name, declarations) {
  const begin = `<!-- metrics of ${name}: made by npm run docs:metrics -->\n`;
  const end = `<!-- end of metrics of ${name} -->\n`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/monitoring.md has no place for the metrics of ${name}`);
  const rows = declarations.map(
    (found) => `| \`${found.name}\` | ${found.type} | ${labels(found)} | ${cell(found.help)} |\n`,
  );
  const table = `\n| metric | type | labels | what it says |\n|---|---|---|---|\n${rows.join('')}\n`;
  return document.slice(0, from + begin.length) + table + document.slice(to);
}

function labels(declaration) {
  return Object.entries(declaration.labels)
    .map(([name, values]) => (values.length === 0 ? `\`${name}\`` : `\`${name}\`: ${values.join(', ')}`))
    .join('; ');
}

function cell(sentence) {
  return sentence.replaceAll('|', '\\|');
}
