/**
 * One view of the table for all reads of one turn of the event loop: beginning and ending a read transaction
 * of its own costs each of them two system calls and a third of its time.
 *
 * A view must not outlive what memory knows. Memory answers for whatever the table does not show yet, and
 * lets go of it when the table's thread says that it is applied; a read from an older view after that would
 * miss it. So the view ends at the end of the turn, and before any answer of the table's thread is acted on
 * (`end`, called by whoever hears it). It never stays open while the program waits: SQLite could not begin
 * the write-ahead log anew.
 */
import type Database from 'better-sqlite3';
import { storageFailure } from './storage-error.js';

export class TableSnapshot {
  private readonly beginStatement;
  private readonly endStatement;
  private isOpen = false;

  /** `endOfTurn` runs a function once, when this turn of the event loop ends. */
  constructor(
    private readonly connection: Database.Database,
    private readonly endOfTurn: (run: () => void) => void,
  ) {
    this.beginStatement = connection.prepare('BEGIN');
    this.endStatement = connection.prepare('COMMIT');
  }

  /** To be called before each read. @throws StorageFailure */
  begin(): void {
    if (this.isOpen) return;
    this.run(this.beginStatement);
    this.isOpen = true;
    this.endOfTurn(this.end);
  }

  /** The next read sees all that is committed by then. @throws StorageFailure */
  readonly end = (): void => {
    if (!this.isOpen) return;
    this.isOpen = false;
    // An error that SQLite met while reading has ended the transaction already.
    if (this.connection.open && this.connection.inTransaction) this.run(this.endStatement);
  };

  private run(statement: Database.Statement): void {
    try {
      statement.run();
    } catch (error) {
      throw storageFailure('reading the table', error);
    }
  }
}
