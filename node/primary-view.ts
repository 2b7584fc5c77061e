/**
 * Where a key lives, as the primary of its partition sees it: it alone knows how far behind the others are.
 * One question, with little patience; whoever asks has a view of its own to fall back on.
 */
import { ownViewField } from './api/views.js';
import type { Explanation } from './api/views.js';

const patienceMs = 500;

/** Null if the primary does not answer, or sees another as the primary. */
export async function askPrimary(own: Explanation, key: Uint8Array): Promise<Explanation | null> {
  const url = own.voters.find(({ id }) => id === own.primary)?.url ?? null;
  if (url === null) return null;
  const path = encodeURIComponent(Buffer.from(key).toString('utf8'));
  try {
    const response = await fetch(`${url}/v1/explain/${path}`, {
      headers: { [ownViewField]: 'true' },
      signal: AbortSignal.timeout(patienceMs),
    });
    if (!response.ok) return null;
    const seen = (await response.json()) as Explanation;
    return seen.seenBy === own.primary && seen.primary === own.primary ? seen : null;
  } catch {
    return null;
  }
}
