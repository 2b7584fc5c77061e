/** Asks a worker over its interface for clients what it did of late. */
import type { AskWorker } from './worker-activities.js';

const timeoutMs = 1_000;
const bytesMax = 1024 * 1024;

export const askWorker: AskWorker = async (url, since) => {
  const response = await fetch(`${url}/v1/activity?since=${since}`, {
    signal: AbortSignal.timeout(timeoutMs),
    redirect: 'error',
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error(`the worker answers ${response.status}`);
  }
  let length = 0;
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > bytesMax) throw new Error('the worker answers too much');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
};
