/**
 * The log file's tables, row by row: prepared statements, and the small rows as objects with their checksums
 * proved. No decisions here.
 */
import type Database from 'better-sqlite3';
import { assert } from '../../core/assert.js';
import type { AckMemory, EpochStart, PeerRun } from '../../core/protocol/log-command.js';
import { rememberedStoresMax } from '../../core/replication/peer-memory.js';
import { fieldsChecksum } from './checksum.js';
import { AmnesiacStore } from './storage-error.js';

/** The one row about the store itself. */
export interface StoreRow {
  storeId: string;
  clusterId: string;
  bootCount: number;
  leaseMs: number;
  endedCleanly: boolean;
  ringVersion: number;
  ring: Uint8Array | null;
}

export interface ReplicaRow {
  partition: number;
  promisedEpoch: number;
  syncedEpoch: number;
  epochStarts: EpochStart[];
  baseSeq: number;
  commitSeq: number;
  copyNumber: number;
  firstRecord: number;
  forgotten: boolean;
  acks: AckMemory[];
}

type StoreColumns = [string, string, number, number, number, number, Uint8Array | null];
type ReplicaColumns = [number, number, number, string, number, number, number, number, number, string];
type PeerColumns = [string, string, number, string];

function storeColumns(row: StoreRow): StoreColumns {
  const { storeId, clusterId, bootCount, leaseMs, ringVersion, ring } = row;
  return [storeId, clusterId, bootCount, leaseMs, row.endedCleanly ? 1 : 0, ringVersion, ring];
}

function storeChecksum(columns: StoreColumns): number {
  const [storeId, clusterId, bootCount, leaseMs, clean, ringVersion, ring] = columns;
  return fieldsChecksum([storeId, clusterId, bootCount, leaseMs, clean, ringVersion], ring);
}

function proved(fine: boolean, name: string, what: string): void {
  if (!fine) throw new AmnesiacStore(`${name}: the row of ${what} is damaged`);
}

export class LogTables {
  private readonly writeStatement;
  private readonly overwriteStatement;
  private readonly blockStatement;
  private readonly replicaStatement;
  private readonly forgetReplicaStatement;
  private readonly peerStatement;
  private readonly forgetPeerStatement;
  private readonly storeStatement;

  constructor(private readonly database: Database.Database) {
    this.writeStatement = database.prepare<[number, Uint8Array]>('INSERT INTO log VALUES (?, ?)');
    this.overwriteStatement = database.prepare<[Uint8Array, number]>(
      'UPDATE log SET block = ? WHERE slot = ?',
    );
    this.blockStatement = database
      .prepare<[number], Uint8Array>('SELECT block FROM log WHERE slot = ?')
      .pluck();
    this.replicaStatement = database.prepare<[...ReplicaColumns, number]>(
      'INSERT OR REPLACE INTO replicas VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.forgetReplicaStatement = database.prepare<[number]>('DELETE FROM replicas WHERE partition = ?');
    this.peerStatement = database.prepare<[...PeerColumns, number]>(
      'INSERT OR REPLACE INTO peer_runs VALUES (?, ?, ?, ?, ?)',
    );
    this.forgetPeerStatement = database.prepare<[string, string, number]>(
      `DELETE FROM peer_runs WHERE id = ? AND rowid NOT IN
        (SELECT rowid FROM peer_runs WHERE id = ? ORDER BY rowid DESC LIMIT ?)`,
    );
    this.storeStatement = database.prepare<[...StoreColumns, number]>(
      'INSERT OR REPLACE INTO store VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /** A slot that is new. */
  write(slot: number, block: Uint8Array): void {
    this.writeStatement.run(slot, block);
  }

  overwrite(slot: number, block: Uint8Array): void {
    const { changes } = this.overwriteStatement.run(block, slot);
    assert(changes === 1, 'a slot that is overwritten is there', { slot });
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

  saveReplica(row: ReplicaRow): void {
    const { partition, promisedEpoch, syncedEpoch, baseSeq, commitSeq, copyNumber, firstRecord } = row;
    const starts = JSON.stringify(row.epochStarts.map(({ epoch, firstSeq }) => [epoch, firstSeq]));
    const acks = JSON.stringify(row.acks);
    const columns: ReplicaColumns = [
      partition,
      promisedEpoch,
      syncedEpoch,
      starts,
      baseSeq,
      commitSeq,
      copyNumber,
      firstRecord,
      row.forgotten ? 1 : 0,
      acks,
    ];
    this.replicaStatement.run(...columns, fieldsChecksum(columns));
  }

  forgetReplica(partition: number): void {
    this.forgetReplicaStatement.run(partition);
  }

  replicas(): ReplicaRow[] {
    const rows = this.database
      .prepare<[], [...ReplicaColumns, number]>('SELECT * FROM replicas ORDER BY partition')
      .raw()
      .all();
    return rows.map((columns) => {
      const sum = columns.pop() as number;
      const [partition, promisedEpoch, syncedEpoch, starts, baseSeq, ...rest] =
        columns as unknown as ReplicaColumns;
      const [commitSeq, copyNumber, firstRecord, forgotten, acks] = rest;
      proved(sum === fieldsChecksum(columns), this.database.name, `partition ${partition}`);
      const epochStarts = (JSON.parse(starts) as [number, number][]).map(([epoch, firstSeq]) => ({
        epoch,
        firstSeq,
      }));
      const memories = JSON.parse(acks) as AckMemory[];
      return {
        partition,
        promisedEpoch,
        syncedEpoch,
        epochStarts,
        baseSeq,
        commitSeq,
        copyNumber,
        firstRecord,
        forgotten: forgotten === 1,
        acks: memories,
      };
    });
  }

  saveStore(row: StoreRow): void {
    const columns = storeColumns(row);
    this.storeStatement.run(...columns, storeChecksum(columns));
  }

  store(): StoreRow | null {
    const sql = `SELECT store_id, cluster_id, boot_count, lease_ms, ended_cleanly, ring_version, ring, checksum
      FROM store`;
    const row = this.database.prepare<[], [...StoreColumns, number]>(sql).raw().get();
    if (row === undefined) return null;
    const [storeId, clusterId, bootCount, leaseMs, clean, ringVersion, ring, sum] = row;
    const columns: StoreColumns = [storeId, clusterId, bootCount, leaseMs, clean, ringVersion, ring];
    proved(sum === storeChecksum(columns), this.database.name, 'the store');
    return { storeId, clusterId, bootCount, leaseMs, endedCleanly: clean === 1, ringVersion, ring };
  }

  savePeerRun(run: PeerRun): void {
    const columns: PeerColumns = [run.id, run.storeId, run.bootCount, run.runId];
    this.peerStatement.run(...columns, fieldsChecksum(columns));
    this.forgetPeerStatement.run(run.id, run.id, rememberedStoresMax);
  }

  peerRuns(): PeerRun[] {
    const rows = this.database
      .prepare<[], [...PeerColumns, number]>('SELECT * FROM peer_runs ORDER BY rowid')
      .raw()
      .all();
    return rows.map(([id, storeId, bootCount, runId, sum]) => {
      proved(sum === fieldsChecksum([id, storeId, bootCount, runId]), this.database.name, `worker ${id}`);
      return { id, storeId, bootCount, runId };
    });
  }
}
