// A tag that follows from what the image is built of: the same sources give the same tag, so that running
// kind:up again changes nothing, and after an edit it is a rolling upgrade.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** From the files that .dockerignore lets in (its lines that begin with '!'). */
export function imageTag(root) {
  const hash = createHash('sha256');
  const included = readFileSync(path.join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  for (const name of ['Dockerfile', ...included].sort()) addTo(hash, root, name);
  return `dev-${hash.digest('hex').slice(0, 12)}`;
}

function addTo(hash, root, name) {
  const file = path.join(root, name);
  if (statSync(file).isDirectory()) {
    for (const entry of readdirSync(file).sort()) addTo(hash, root, path.join(name, entry));
  } else if (!name.endsWith('.tsbuildinfo')) {
    hash.update(`${name}\0`).update(readFileSync(file));
  }
}
