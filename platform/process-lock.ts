/**
 * A lock that ends with its process, however that ends. Node offers no file locks of its own, SQLite does: an
 * exclusive transaction on a database without content holds the operating system's lock and writes nothing.
 */
import Database from 'better-sqlite3';

export class ProcessLock {
  private constructor(private readonly database: Database.Database) {}

  /** Null if another process, or another lock of this one, holds it. Throws if the file cannot be opened. */
  static tryAcquire(path: string): ProcessLock | null {
    const database = new Database(path, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
      return new ProcessLock(database);
    } catch (error) {
      database.close();
      if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
      throw error;
    }
  }

  release(): void {
    this.database.close();
  }
}
