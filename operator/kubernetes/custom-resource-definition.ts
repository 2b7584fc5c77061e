/**
 * Keeps the CustomResourceDefinition up to date: Helm installs it once and never again. Without the right to
 * do so the operator goes on with the one that is there.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { explain } from './api-transport.js';
import type { ApiTransport } from './api-transport.js';
import { definitionName, definitionPath } from './resource-paths.js';

/** Shared by all operators of a cluster, so that they do not contend for it. */
const definitionManager = 'kvorum-definition';

/** Throws if there is no such file, or if it holds something else. */
export function readDefinition(file: string): object {
  const definition = parse(readFileSync(file, 'utf8')) as { metadata?: { name?: unknown } } | null;
  if (definition?.metadata?.name !== definitionName)
    throw new Error(`${file} does not define ${definitionName}`);
  return definition;
}

/** Answers why it was not applied, or null. */
export async function applyDefinition(transport: ApiTransport, definition: object): Promise<string | null> {
  const reply = await transport.request({
    method: 'PATCH',
    path: definitionPath,
    query: { fieldManager: definitionManager, force: 'true' },
    body: definition,
    contentType: 'application/apply-patch+yaml',
  });
  return reply.type === 'done' ? null : explain(reply);
}
