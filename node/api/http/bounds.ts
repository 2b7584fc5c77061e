/** What one connection, and all together, may cost. Every wait has an end and every buffer a size. */

export interface HttpBounds {
  /** Request line and fields together. */
  headBytesMax: number;
  fieldsMax: number;
  connectionsMax: number;
  /** Bodies that have arrived in part, over all connections. */
  bufferedBytesMax: number;
  /** From the first byte of a request to the end of its head. */
  headMs: number;
  /** From the end of the head to the end of the body. */
  bodyMs: number;
  /**
   * Between requests. Longer than clients keep a connection that they do not use (Go 90 s, curl 118 s): who
   * ends it first must not be the one who does not know whether a request is on its way.
   */
  idleMs: number;
  /** For a client to take a reply. */
  writeMs: number;
  /** How long a connection that is to be closed is still read, so that the client gets to see the reply. */
  lingerMs: number;
}

export const defaultBounds: HttpBounds = {
  headBytesMax: 16 * 1024,
  fieldsMax: 64,
  connectionsMax: 4_096,
  bufferedBytesMax: 256 * 1024 * 1024,
  headMs: 10_000,
  bodyMs: 30_000,
  idleMs: 150_000,
  writeMs: 30_000,
  lingerMs: 1_000,
};
