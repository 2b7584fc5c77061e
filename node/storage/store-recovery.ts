/**
 * From two files as a crash left them to one store that may answer: everything on the disk made durable
 * first, copies that the log has switched to finished, the table brought forward to the commit position, and
 * whatever does not add up refused. Free of threads, clocks and chance: a simulation runs it too.
 */
import { holds } from '../../core/rules.js';
import type { LogCommand, RecoveredStore } from '../../core/protocol/log-command.js';
import type { LogFile, LogSummary } from './log-file.js';
import { AmnesiacStore, StorageFailure } from './storage-error.js';
import type { TableFile } from './table-file.js';

/** Bytes of log applied in one transaction. */
const applyBytes = 4 * 1024 * 1024;

/**
 * @throws AmnesiacStore if the files hold less than they must
 * @throws StorageFailure if they cannot be read, or not be made durable
 */
export function recoverStore(log: LogFile, table: TableFile): RecoveredStore {
  if (log.store.storeId !== table.storeId) {
    throw new AmnesiacStore(`the log is of store ${log.store.storeId}, the table of ${table.storeId}`);
  }
  if (!log.store.endedCleanly) {
    log.makeDurable();
    table.makeDurable();
  }
  const known = new Set<number>();
  for (const replica of log.summaries()) {
    known.add(replica.partition);
    recoverReplica(log, table, replica);
  }
  for (const partition of table.partitions()) {
    if (known.has(partition)) continue;
    if (holds('promise-survives-delete')) {
      throw new AmnesiacStore(`the table holds partition ${partition}, which the log has never seen`);
    }
    table.drop(partition);
  }
  table.checkpoint();
  log.startRun();
  return log.recovered((partition) => table.replica(partition)?.appliedSeq ?? 0);
}

function recoverReplica(log: LogFile, table: TableFile, replica: LogSummary): void {
  const { partition } = replica;
  if (replica.syncedEpoch === 0) {
    // Deleted, or never filled: a promise is all that counts.
    if (table.partitions().includes(partition)) orFull(table.drop(partition));
    return;
  }
  finishCopy(table, replica);
  const appliedSeq = table.replica(partition)?.appliedSeq ?? 0;
  if (appliedSeq > replica.lastSeq) {
    throw lost(partition, `the table is at ${appliedSeq}, the log ends at ${replica.lastSeq}`);
  }
  if (appliedSeq < replica.baseSeq) {
    throw lost(partition, `the table is at ${appliedSeq}, the log begins after ${replica.baseSeq}`);
  }
  const damagedSeq = log.damage.get(partition) ?? 0;
  if (damagedSeq > appliedSeq) {
    // It may have acknowledged what is damaged: shorter, it would pass for a replica that never had it.
    commit(log, { type: 'forget', partition });
    orFull(table.drop(partition));
    return;
  }
  // What the table holds durably the log need not hold.
  if (damagedSeq > 0) commit(log, { type: 'trim', partition, throughSeq: damagedSeq });
  bringForward(log, table, partition, Math.min(replica.commitSeq, replica.lastSeq));
}

function finishCopy(table: TableFile, { partition, copyNumber, baseSeq }: LogSummary): void {
  if ((table.replica(partition)?.copyNumber ?? 0) !== copyNumber) {
    const stage = table.stageOf(partition);
    if (stage?.number !== copyNumber || !stage.complete) {
      if (holds('copy-before-log')) throw lost(partition, `the table lacks copy ${copyNumber}`);
      const empty = { number: copyNumber, atSeq: baseSeq, chunk: 0, rows: new Uint8Array(0), last: true };
      if (stage?.number !== copyNumber) table.stage(partition, empty);
    }
    orFull(table.adopt(partition, copyNumber));
  }
  table.dropStage(partition);
}

function bringForward(log: LogFile, table: TableFile, partition: number, throughSeq: number): void {
  for (;;) {
    const appliedSeq = table.replica(partition)?.appliedSeq ?? 0;
    if (appliedSeq >= throughSeq) return;
    const entries = log.read(partition, appliedSeq + 1, applyBytes).filter(({ seq }) => seq <= throughSeq);
    if (entries.length === 0) return;
    orFull(table.apply([{ partition, entries }]));
  }
}

function commit(log: LogFile, command: LogCommand): void {
  for (const { status } of log.commit([command])) orFull(status);
}

function orFull(outcome: string): void {
  if (outcome === 'full') throw new StorageFailure('no room on the disk to start');
}

function lost(partition: number, what: string): AmnesiacStore {
  return new AmnesiacStore(`partition ${partition}: ${what}`);
}
