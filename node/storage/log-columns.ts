/**
 * The small rows of the log file, as objects and as columns. The last column is a checksum of the others.
 */
import type { AckMemory, EpochStart, PeerRun } from '../../core/protocol/log-command.js';
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

type StoreFields = [string, string, number, number, number, number, Uint8Array | null];
type ReplicaFields = [number, number, number, string, number, number, number, number, number, string];
type PeerFields = [string, string, number, string];

export type StoreColumns = [...StoreFields, number];
export type ReplicaColumns = [...ReplicaFields, number];
export type PeerColumns = [...PeerFields, number];

function proved(fine: boolean, name: string, what: string): void {
  if (!fine) throw new AmnesiacStore(`${name}: the row of ${what} is damaged`);
}

function storeChecksum([storeId, clusterId, bootCount, leaseMs, clean, version, ring]: StoreFields): number {
  return fieldsChecksum([storeId, clusterId, bootCount, leaseMs, clean, version], ring);
}

export function storeColumns(row: StoreRow): StoreColumns {
  const { storeId, clusterId, bootCount, leaseMs, ringVersion, ring } = row;
  const clean = row.endedCleanly ? 1 : 0;
  const fields: StoreFields = [storeId, clusterId, bootCount, leaseMs, clean, ringVersion, ring];
  return [...fields, storeChecksum(fields)];
}

/** `name` is that of the file, for the error. @throws AmnesiacStore */
export function storeRow(columns: StoreColumns, name: string): StoreRow {
  const [storeId, clusterId, bootCount, leaseMs, clean, ringVersion, ring, sum] = columns;
  const fields: StoreFields = [storeId, clusterId, bootCount, leaseMs, clean, ringVersion, ring];
  proved(sum === storeChecksum(fields), name, 'the store');
  return { storeId, clusterId, bootCount, leaseMs, endedCleanly: clean === 1, ringVersion, ring };
}

export function replicaColumns(row: ReplicaRow): ReplicaColumns {
  const { partition, promisedEpoch, syncedEpoch, baseSeq, commitSeq, copyNumber, firstRecord } = row;
  const starts = JSON.stringify(row.epochStarts.map(({ epoch, firstSeq }) => [epoch, firstSeq]));
  const acks = JSON.stringify(row.acks);
  const fields: ReplicaFields = [
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
  return [...fields, fieldsChecksum(fields)];
}

/** `name` is that of the file, for the error. @throws AmnesiacStore */
export function replicaRow(columns: ReplicaColumns, name: string): ReplicaRow {
  const [partition, promisedEpoch, syncedEpoch, starts, baseSeq, ...rest] = columns;
  const [commitSeq, copyNumber, firstRecord, forgotten, acks, sum] = rest;
  proved(sum === fieldsChecksum(columns.slice(0, -1)), name, `partition ${partition}`);
  return {
    partition,
    promisedEpoch,
    syncedEpoch,
    epochStarts: (JSON.parse(starts) as [number, number][]).map(([epoch, firstSeq]) => ({ epoch, firstSeq })),
    baseSeq,
    commitSeq,
    copyNumber,
    firstRecord,
    forgotten: forgotten === 1,
    acks: JSON.parse(acks) as AckMemory[],
  };
}

export function peerColumns({ id, storeId, bootCount, runId }: PeerRun): PeerColumns {
  return [id, storeId, bootCount, runId, fieldsChecksum([id, storeId, bootCount, runId])];
}

/** `name` is that of the file, for the error. @throws AmnesiacStore */
export function peerRun([id, storeId, bootCount, runId, sum]: PeerColumns, name: string): PeerRun {
  proved(sum === fieldsChecksum([id, storeId, bootCount, runId]), name, `worker ${id}`);
  return { id, storeId, bootCount, runId };
}
