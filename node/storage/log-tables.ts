/** The log file's tables: prepared statements, and one transaction that writes rows. No decisions here. */
import type Database from 'better-sqlite3';
import { AssertionError, assert } from '../../core/assert.js';
import type { PeerRun } from '../../core/protocol/log-command.js';
import { rememberedStoresMax } from '../../core/replication/peer-memory.js';
import { peerRun, replicaRow, storeRow } from './log-columns.js';
import type { PeerColumns, ReplicaColumns, ReplicaRow, StoreColumns, StoreRow } from './log-columns.js';
import { isEmpty } from './log-rows.js';
import type { LogRows } from './log-rows.js';
import { isFull, storageFailure } from './storage-error.js';

export class LogTables {
  private readonly begin;
  private readonly end;
  private readonly abort;
  private readonly writeStatement;
  private readonly overwriteStatement;
  private readonly blockStatement;
  private readonly replicaStatement;
  private readonly forgetReplicaStatement;
  private readonly peerStatement;
  private readonly forgetPeerStatement;
  private readonly storeStatement;

  constructor(private readonly database: Database.Database) {
    this.begin = database.prepare('BEGIN IMMEDIATE');
    this.end = database.prepare('COMMIT');
    this.abort = database.prepare('ROLLBACK');
    this.writeStatement = database.prepare<[number, Uint8Array]>('INSERT INTO log VALUES (?, ?)');
    this.overwriteStatement = database.prepare<[Uint8Array, number]>(
      'UPDATE log SET block = ? WHERE slot = ?',
    );
    this.blockStatement = database
      .prepare<[number], Uint8Array>('SELECT block FROM log WHERE slot = ?')
      .pluck();
    this.replicaStatement = database.prepare<ReplicaColumns>(
      'INSERT OR REPLACE INTO replicas VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.forgetReplicaStatement = database.prepare<[number]>('DELETE FROM replicas WHERE partition = ?');
    this.peerStatement = database.prepare<PeerColumns>(
      'INSERT OR REPLACE INTO peer_runs VALUES (?, ?, ?, ?, ?)',
    );
    this.forgetPeerStatement = database.prepare<[string, string, number]>(
      `DELETE FROM peer_runs WHERE id = ? AND rowid NOT IN
        (SELECT rowid FROM peer_runs WHERE id = ? ORDER BY rowid DESC LIMIT ?)`,
    );
    this.storeStatement = database.prepare<StoreColumns>(
      'INSERT OR REPLACE INTO store VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /**
   * One transaction, durable on return; none if there is nothing to write. `full`: no room on the disk, and
   * the file is as before. @throws StorageFailure on any other error: the process must end.
   */
  commit(rows: LogRows): 'done' | 'full' {
    if (isEmpty(rows)) return 'done';
    try {
      this.begin.run();
      this.write(rows);
      this.end.run();
      return 'done';
    } catch (error) {
      this.rollBack();
      if (isFull(error)) return 'full';
      throw error instanceof AssertionError ? error : storageFailure('commit', error);
    }
  }

  private write({ slots, gone, replicas, peerRuns, store }: LogRows): void {
    for (const { slot, isNew, block } of slots) {
      if (isNew) this.writeStatement.run(slot, block);
      else this.overwrite(slot, block);
    }
    for (const partition of gone) this.forgetReplicaStatement.run(partition);
    for (const columns of replicas) this.replicaStatement.run(...columns);
    for (const columns of peerRuns) {
      const [id] = columns;
      this.peerStatement.run(...columns);
      this.forgetPeerStatement.run(id, id, rememberedStoresMax);
    }
    if (store !== null) this.storeStatement.run(...store);
  }

  private overwrite(slot: number, block: Uint8Array): void {
    const { changes } = this.overwriteStatement.run(block, slot);
    assert(changes === 1, 'a slot that is overwritten is there', { slot });
  }

  private rollBack(): void {
    try {
      if (this.database.inTransaction) this.abort.run();
    } catch (error) {
      throw storageFailure('rollback', error);
    }
  }

  block(slot: number): Uint8Array | undefined {
    return this.blockStatement.get(slot);
  }

  /** All slots, one at a time; nothing may be written meanwhile. */
  slots(): IterableIterator<[slot: number, block: Uint8Array]> {
    return this.database
      .prepare<[], [number, Uint8Array]>('SELECT slot, block FROM log ORDER BY slot')
      .raw()
      .iterate();
  }

  /** @throws AmnesiacStore if a row is damaged, as do those below */
  replicas(): ReplicaRow[] {
    const rows = this.database.prepare<[], ReplicaColumns>('SELECT * FROM replicas ORDER BY partition').raw();
    return rows.all().map((columns) => replicaRow(columns, this.database.name));
  }

  store(): StoreRow | null {
    const sql = `SELECT store_id, cluster_id, boot_count, lease_ms, ended_cleanly, ring_version, ring, checksum
      FROM store`;
    const columns = this.database.prepare<[], StoreColumns>(sql).raw().get();
    return columns === undefined ? null : storeRow(columns, this.database.name);
  }

  peerRuns(): PeerRun[] {
    const rows = this.database.prepare<[], PeerColumns>('SELECT * FROM peer_runs ORDER BY rowid').raw();
    return rows.all().map((columns) => peerRun(columns, this.database.name));
  }
}
