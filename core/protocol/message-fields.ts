/** Fields that messages have in common, and their bounds. */
import { notAppliedReasons } from './operation.js';
import { ascii, bytes, list, optional, position, struct, u16, word } from './wire.js';

/** Entries, rows and whole messages: above the largest value plus its key and header. */
export const messageBytesMax = 24 * 1024 * 1024;
export const entriesMax = 65_536;
export const identifier = ascii(128);
export const partition = u16;
export const entryBytes = bytes(messageBytesMax);
export const key = bytes(1_024);
/** A content type or an idempotency key. */
export const shortText = ascii(255);
export const detailText = ascii(512);
export const version = struct({ epoch: position, seq: position });
export const optionalVersion = optional(version);
export const operationKind = word(['put', 'delete']);
export const consistency = word(['linearizable', 'eventual']);
export const precondition = struct({
  type: word(['none', 'ifMatch', 'ifNoneMatch']),
  versions: optional(list(version, 256)),
});
export const writeResult = word(['applied', 'preconditionFailed', 'absent', 'notApplied', 'unknown']);
export const readResult = word(['found', 'missing', 'notApplied']);
export const notAppliedReason = word(notAppliedReasons);
