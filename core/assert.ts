/**
 * Assertions that stay on in production. A failed one means that the program itself is wrong (never the
 * caller, never the world), so the process logs it, exits and is restarted; nothing that arrives unparsed may
 * ever reach one.
 */

/** A broken invariant. `details` are plain facts for the log, not for a user. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.details = details;
  }
}

/**
 * Throws {@link AssertionError} unless `condition` holds. On a hot path leave `details` out, or guard the
 * call: the object is built whether or not the condition holds.
 */
export function assert(
  condition: boolean,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new AssertionError(message, details);
}

/** For the branch of a switch that no value can take; does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError('reached a case that cannot happen', { value });
}
