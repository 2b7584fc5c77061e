/**
 * A store of one partition in memory, with the answers that a cluster gives, and switches for those it gives
 * on bad days.
 */
import type {
  NotAppliedReason,
  Precondition,
  ReadOperation,
  ReadOutcome,
  Row,
  Version,
  WriteOperation,
  WriteOutcome,
} from '../../../core/protocol/operation.js';
import type { Store } from '../../../node/api/kv-endpoint.js';

interface Remembered {
  request: string;
  outcome: WriteOutcome;
}

export class MemoryStore implements Store {
  readonly rows = new Map<string, Row>();
  /** Everything that reached the store. */
  readonly writes: WriteOperation[] = [];
  readonly reads: ReadOperation[] = [];
  /** Not null: the answer to everything. */
  refusal: NotAppliedReason | 'unknown' | null = null;
  /** Answers wait here while it is not null. */
  held: (() => void)[] | null = null;
  private readonly remembered = new Map<string, Remembered>();
  private seq = 0;

  write(operation: WriteOperation, done: (outcome: WriteOutcome) => void): void {
    this.writes.push(operation);
    const outcome = this.applied(operation);
    this.answer(() => done(outcome));
  }

  read(operation: ReadOperation, done: (outcome: ReadOutcome) => void): void {
    this.reads.push(operation);
    this.answer(() => done(this.found(operation)));
  }

  release(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const answer of held) answer();
  }

  private answer(run: () => void): void {
    if (this.held === null) setImmediate(run);
    else this.held.push(run);
  }

  private found({ key, consistency, headOnly }: ReadOperation): ReadOutcome {
    const refused = this.refused();
    if (refused !== null) return refused.type === 'unknown' ? notApplied('unavailable') : refused;
    const staleMs = consistency === 'eventual' ? 1.5 : null;
    const row = this.rows.get(name(key));
    if (row === undefined) return { type: 'missing', partition: 0, staleMs };
    const shown = headOnly ? { ...row, value: new Uint8Array(0) } : row;
    return { type: 'found', row: shown, valueBytes: row.value.length, partition: 0, staleMs };
  }

  private applied(operation: WriteOperation): WriteOutcome {
    const refused = this.refused();
    if (refused !== null) return refused;
    const { key, value, contentType, idempotencyKey } = operation;
    const request = JSON.stringify({ ...operation, key: name(key), value: name(value) });
    const before = this.remembered.get(idempotencyKey);
    if (idempotencyKey !== '' && before !== undefined) {
      if (before.request !== request) return notApplied('idempotencyConflict');
      return before.outcome.type === 'applied' ? { ...before.outcome, replayed: true } : before.outcome;
    }
    const current = this.rows.get(name(key));
    if (!holds(operation.precondition, current?.version ?? null))
      return { type: 'preconditionFailed', current: current?.version ?? null };
    if (operation.type === 'delete' && current === undefined) return { type: 'absent' };
    const version = { epoch: 3, seq: (this.seq += 1) };
    if (operation.type === 'delete') this.rows.delete(name(key));
    else this.rows.set(name(key), { version, contentType, value });
    const created = current === undefined;
    const outcome: WriteOutcome = {
      type: 'applied',
      version,
      partition: 0,
      created,
      replayed: false,
      acks: 2,
    };
    this.remembered.set(idempotencyKey, { request, outcome });
    return outcome;
  }

  private refused() {
    if (this.refusal === null) return null;
    if (this.refusal === 'unknown') return { type: 'unknown' as const, reason: 'the stream broke' };
    return notApplied(this.refusal);
  }
}

function notApplied(reason: NotAppliedReason) {
  return { type: 'notApplied' as const, reason, detail: `because ${reason}` };
}

function name(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function holds({ type, versions }: Precondition, current: Version | null): boolean {
  if (type === 'none') return true;
  const listed =
    current !== null &&
    (versions?.some((version) => version.epoch === current.epoch && version.seq === current.seq) ?? true);
  return listed === (type === 'ifMatch');
}
