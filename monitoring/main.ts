/**
 * npm run monitoring: writes the rules files, the dashboards and the table of alerts. With --check it only
 * says which of them are not what the code makes.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generatedFiles } from './generated-files.js';

const root = path.resolve(import.meta.dirname, '../..');
const onlyCheck = process.argv.includes('--check');
for (const [name, text] of generatedFiles(root)) {
  const file = path.join(root, name);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  if (onlyCheck) {
    console.error(`${name} is not what the code makes: run npm run monitoring`);
    process.exitCode = 1;
  } else {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote ${name}`);
  }
}
