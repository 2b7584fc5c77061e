/** Operations and outcomes as messages between workers, and back. Nothing here decides anything. */
import type {
  ReadOperation,
  ReadOutcome,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { PeerMessageOf } from '../../core/protocol/peer-message.js';

/** Where a forwarded request goes: what goes into the message besides the operation itself. */
export interface ForwardHeader {
  id: number;
  partition: number;
  /** Of the configuration that the sender routed by. */
  epoch: number;
  deadlineMs: number;
}

const detailLengthMax = 512;
const noValue = new Uint8Array(0);

/** Texts on the wire are printable ASCII of bounded length; a detail may have come from anywhere. */
function wireText(text: string): string {
  return text.slice(0, detailLengthMax).replace(/[^ -~]/g, '?');
}

export function forwardWrite(
  header: ForwardHeader,
  operation: WriteOperation,
): PeerMessageOf<'forwardWrite'> {
  return {
    type: 'forwardWrite',
    id: header.id,
    partition: header.partition,
    epoch: header.epoch,
    kind: operation.type,
    key: operation.key,
    value: operation.value,
    contentType: operation.contentType,
    precondition: operation.precondition,
    idempotencyKey: operation.idempotencyKey,
    deadlineMs: header.deadlineMs,
  };
}

export function forwardedWrite(message: PeerMessageOf<'forwardWrite'>): WriteOperation {
  const { kind, key, value, contentType, precondition, idempotencyKey } = message;
  return { type: kind, key, value, contentType, precondition, idempotencyKey };
}

export function forwardRead(header: ForwardHeader, operation: ReadOperation): PeerMessageOf<'forwardRead'> {
  return {
    type: 'forwardRead',
    id: header.id,
    partition: header.partition,
    epoch: header.epoch,
    key: operation.key,
    consistency: operation.consistency,
    atLeast: operation.atLeast,
    headOnly: operation.headOnly,
    deadlineMs: header.deadlineMs,
  };
}

export function forwardedRead(message: PeerMessageOf<'forwardRead'>): ReadOperation {
  const { key, consistency, atLeast, headOnly } = message;
  return { key, consistency, atLeast, headOnly };
}

export function writeReply(
  id: number,
  outcome: WriteOutcome,
  ringVersion: number,
): PeerMessageOf<'writeReply'> {
  const isApplied = outcome.type === 'applied';
  const reply: PeerMessageOf<'writeReply'> = {
    type: 'writeReply',
    id,
    result: outcome.type,
    version: isApplied ? outcome.version : null,
    created: isApplied && outcome.created,
    replayed: isApplied && outcome.replayed,
    acks: isApplied ? outcome.acks : 0,
    ringVersion,
    reason: 'unavailable',
    detail: '',
  };
  if (outcome.type === 'preconditionFailed') reply.version = outcome.current;
  else if (outcome.type === 'unknown') reply.detail = wireText(outcome.reason);
  else if (outcome.type === 'notApplied') {
    reply.reason = outcome.reason;
    reply.detail = wireText(outcome.detail);
  }
  return reply;
}

export function writeOutcome(message: PeerMessageOf<'writeReply'>, partition: number): WriteOutcome {
  const { version, created, replayed, acks, reason, detail } = message;
  switch (message.result) {
    case 'applied':
      if (version === null) return { type: 'unknown', reason: 'the primary confirmed without a version' };
      return { type: 'applied', version, partition, created, replayed, acks };
    case 'preconditionFailed':
      return { type: 'preconditionFailed', current: version };
    case 'absent':
      return { type: 'absent' };
    case 'notApplied':
      return { type: 'notApplied', reason, detail };
    case 'unknown':
      return { type: 'unknown', reason: detail };
  }
}

export function readReply(
  { id, headOnly }: Pick<PeerMessageOf<'forwardRead'>, 'id' | 'headOnly'>,
  outcome: ReadOutcome,
  ringVersion: number,
): PeerMessageOf<'readReply'> {
  const row = outcome.type === 'found' ? outcome.row : null;
  const isRefused = outcome.type === 'notApplied';
  return {
    type: 'readReply',
    id,
    result: outcome.type,
    version: row === null ? null : row.version,
    contentType: row === null ? '' : row.contentType,
    value: row === null || headOnly ? noValue : row.value,
    valueBytes: outcome.type === 'found' ? outcome.valueBytes : 0,
    staleMs: isRefused ? null : outcome.staleMs,
    ringVersion,
    reason: isRefused ? outcome.reason : 'unavailable',
    detail: isRefused ? wireText(outcome.detail) : '',
  };
}

export function readOutcome(message: PeerMessageOf<'readReply'>, partition: number): ReadOutcome {
  const { version, contentType, value, valueBytes, staleMs, reason, detail } = message;
  switch (message.result) {
    case 'found':
      if (version !== null)
        return { type: 'found', row: { version, contentType, value }, valueBytes, partition, staleMs };
      return { type: 'notApplied', reason: 'unavailable', detail: 'a replica answered without a version' };
    case 'missing':
      return { type: 'missing', partition, staleMs };
    case 'notApplied':
      return { type: 'notApplied', reason, detail };
  }
}
