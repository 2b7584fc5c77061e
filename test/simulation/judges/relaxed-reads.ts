/**
 * Reads that promise less: an eventual read shows only what was committed, and a read that carries a version
 * shows nothing older than that version.
 */
import type { Version } from '../../../core/protocol/operation.js';
import type { Finding, HistoryCall, ReadCall, WriteCall } from './history.js';
import { byKey, compareVersions, isLinearizable, mergeTries, versionText } from './history.js';

/** `isCommitted` knows, at the end of the run, what was ever committed. */
export function judgeRelaxedReads(
  history: readonly HistoryCall[],
  isCommitted: (partition: number, version: Version) => boolean,
): Finding {
  for (const [key, calls] of byKey(history)) {
    const merged = mergeTries(calls).calls;
    const writes = merged.filter((call): call is WriteCall => call.kind !== 'read');
    for (const call of merged) {
      if (call.kind !== 'read') continue;
      const finding =
        judgeSeen(call, writes, isCommitted) ?? (isLinearizable(call) ? undefined : judgeAge(call, writes));
      if (finding !== undefined) return `key ${key}: ${finding}`;
    }
  }
  return undefined;
}

function judgeSeen(
  call: ReadCall,
  writes: readonly WriteCall[],
  isCommitted: (partition: number, version: Version) => boolean,
): Finding {
  const { result } = call;
  if (result.type !== 'found') return undefined;
  const text = versionText(result.version);
  const tries = writes.filter((write) => write.kind === 'put' && write.value === result.value);
  if (tries.length === 0) return `read ${call.id} saw a value that nobody wrote: ${result.value}`;
  if (tries.every((write) => write.invokedAt > call.returnedAt))
    return `read ${call.id} saw ${text} before it was written`;
  if (!isCommitted(call.partition, result.version))
    return `read ${call.id} saw ${text}, which is not committed`;
  return undefined;
}

function judgeAge(call: ReadCall, writes: readonly WriteCall[]): Finding {
  const { atLeast, result } = call;
  if (atLeast === null || result.type === 'failed') return undefined;
  let newest: WriteCall | null = null;
  let newestVersion: Version = { epoch: 0, seq: 0 };
  for (const write of writes) {
    if (write.result.type !== 'applied') continue;
    const { version } = write.result;
    if (compareVersions(version, atLeast) > 0 || compareVersions(version, newestVersion) <= 0) continue;
    newest = write;
    newestVersion = version;
  }
  if (newest === null) return undefined;
  const least = versionText(newestVersion);
  if (result.type === 'found') {
    if (compareVersions(result.version, newestVersion) >= 0) return undefined;
    return `read ${call.id} with at least ${versionText(atLeast)} saw ${versionText(result.version)}, older than ${least}`;
  }
  const mayBeDeleted = writes.some(
    (write) =>
      write.kind === 'delete' &&
      write.invokedAt <= call.returnedAt &&
      (write.result.type === 'unknown' ||
        (write.result.type === 'applied' && compareVersions(write.result.version, newestVersion) >= 0)),
  );
  return mayBeDeleted ? undefined : `read ${call.id} with at least ${versionText(atLeast)} missed ${least}`;
}
