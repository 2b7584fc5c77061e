/**
 * What can go wrong with the two files, told apart by what the program has to do about it: end, put the store
 * aside, or wait for room. Nothing here is ever a caller's fault.
 */

/**
 * A read or write of a file failed. The process must end; the next start makes everything durable before it
 * answers.
 */
export class StorageFailure extends Error {
  override readonly name = 'StorageFailure';
}

/**
 * The files hold less than this store once said it held: wiped, older, damaged, or one of the two exchanged.
 * The store must be put aside (`disownStore`) and a new one begun, under a new store id.
 */
export class AmnesiacStore extends Error {
  override readonly name = 'AmnesiacStore';
}

/** Another process holds the folder. */
export class StoreLocked extends Error {
  override readonly name = 'StoreLocked';
}

/** The files belong to something else: another cluster, or a newer release. Nobody may touch them. */
export class ForeignStore extends Error {
  override readonly name = 'ForeignStore';
}

/** '' for anything that SQLite did not throw. By its code: its class may have been loaded more than once. */
export function sqliteCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : '';
}

/**
 * No room on the disk (or a bound on the file's size). The second code is for the index of the write-ahead
 * log, a file in shared memory that could not be made longer; it holds nothing that has to last.
 */
export function isFull(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE';
}

/** SQLite finds its own structure broken. */
export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error);
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

export function describeError(error: unknown): string {
  const code = sqliteCode(error);
  const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
  const message = String(hasMessage ? error.message : error);
  return code === '' ? message : `${code}: ${message}`;
}

export function storageFailure(doing: string, cause: unknown): StorageFailure {
  if (cause instanceof StorageFailure) return cause;
  return new StorageFailure(`${doing}: ${describeError(cause)}`, { cause });
}

/** What the caller should see of an error met while opening a file. */
export function openingError(what: string, error: unknown): unknown {
  if (isCorrupt(error))
    return new AmnesiacStore(`${what} is damaged: ${describeError(error)}`, { cause: error });
  return sqliteCode(error) === '' ? error : storageFailure(`opening ${what}`, error);
}
