/**
 * What a client of the load does, whatever the system: one operation at a time over one connection. Promises
 * are those of the system, so a PUT that resolves is durable there.
 */
export interface Connection {
  /** Rejects if the system did not promise that the value is kept. */
  put(key: string, value: Buffer): Promise<void>;
  /** The newest value; null if the key is absent. */
  get(key: string): Promise<Buffer | null>;
  close(): void;
}
