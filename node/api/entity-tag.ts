/**
 * Versions as entity tags, and the conditions that requests build from them (RFC 9110 sections 8.8.3 and
 * 13.1).
 *
 * A tag that is well formed but was never a version of ours is no error: it simply matches nothing.
 */
import { KvorumError } from '../../core/errors.js';
import type { Precondition, Version } from '../../core/protocol/operation.js';

/** `versions` null stands for `*`. */
export interface TagCondition {
  versions: Version[] | null;
}

/** The wire between workers carries no more. */
const tagsMax = 256;
const listItem = /\s*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)")?\s*(?:,|$)/y;

export function formatVersion(version: Version): string {
  return `${version.epoch}-${version.seq}`;
}

/** `12-345`, without quotes; null if it is not a version. */
export function parseVersion(text: string): Version | null {
  const match = /^([1-9]\d{0,15})-([1-9]\d{0,15})$/.exec(text);
  if (match === null) return null;
  const version = { epoch: Number(match[1]), seq: Number(match[2]) };
  return Number.isSafeInteger(version.epoch) && Number.isSafeInteger(version.seq) ? version : null;
}

/**
 * The value of If-Match or If-None-Match. If-Match compares strongly, so a weak tag matches nothing there;
 * If-None-Match compares weakly, so the mark makes no difference. Throws `malformed-header`.
 */
export function parseTagCondition(name: 'If-Match' | 'If-None-Match', value: string): TagCondition {
  if (value.trim() === '*') return { versions: null };
  const versions: Version[] = [];
  let tags = 0;
  listItem.lastIndex = 0;
  while (listItem.lastIndex < value.length) {
    const match = listItem.exec(value);
    if (match === null) throw malformed(name, 'it is neither * nor a list of entity tags like "3-17"');
    const tag = match[2];
    if (tag === undefined) continue;
    tags += 1;
    if (tags > tagsMax) throw malformed(name, `it lists more than ${tagsMax} entity tags`);
    const version = match[1] !== undefined && name === 'If-Match' ? null : parseVersion(tag);
    if (version !== null) versions.push(version);
  }
  if (tags === 0) throw malformed(name, 'it is empty');
  return { versions };
}

function malformed(name: string, why: string): KvorumError {
  return new KvorumError('malformed-header', `${name}: ${why}`);
}

/** Whether a key in this version (null: absent) fits the condition's list. */
export function isListed(condition: TagCondition, current: Version | null): boolean {
  if (current === null) return false;
  if (condition.versions === null) return true;
  return condition.versions.some((version) => version.epoch === current.epoch && version.seq === current.seq);
}

const unconditional: Precondition = { type: 'none', versions: null };

/** The condition of a write. Both fields at once say more than one precondition can, and is refused. */
export function writePrecondition(ifMatch: string | null, ifNoneMatch: string | null): Precondition {
  if (ifMatch !== null && ifNoneMatch !== null)
    throw new KvorumError('malformed-header', 'If-Match and If-None-Match exclude each other on a write');
  if (ifMatch !== null) return { type: 'ifMatch', ...parseTagCondition('If-Match', ifMatch) };
  if (ifNoneMatch !== null)
    return { type: 'ifNoneMatch', ...parseTagCondition('If-None-Match', ifNoneMatch) };
  return unconditional;
}
