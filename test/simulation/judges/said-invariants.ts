/**
 * What a worker says is held against what its own disk holds at that moment: a promise, a position or an
 * acknowledgement that is not durable yet is a lie that only a crash would show.
 */
import type { WorkerReport } from '../../../core/protocol/control-message.js';
import type { PeerMessage } from '../../../core/protocol/peer-message.js';
import type { LogView } from '../storage/storage-engine.js';
import { fail } from './protocol-invariants.js';

type LookUp = (partition: number) => LogView | null;

export function judgeSaidToPeer(worker: string, message: PeerMessage, logView: LookUp): void {
  if (message.type === 'ack') {
    const lastSeq = logView(message.partition)?.lastSeq ?? 0;
    if (message.durableSeq <= lastSeq) return;
    fail(`partition ${message.partition} of ${worker}: acknowledged ${message.durableSeq}, holds ${lastSeq}`);
  }
  if (message.type === 'report') {
    const promised = logView(message.partition)?.promisedEpoch ?? 0;
    if (promised >= message.epoch) return;
    fail(
      `partition ${message.partition} of ${worker}: reported to the leader of ${message.epoch}, promised ${promised}`,
    );
  }
}

/** `isStale`: the fence that this answers was based on an older ring than the worker stores. */
export function judgeSaidToController(
  worker: string,
  report: WorkerReport,
  logView: LookUp,
  isStale: (requestId: number) => boolean,
): void {
  if (report.type !== 'fenced') return;
  if (report.refused === '' && isStale(report.requestId))
    fail(`${worker} obeyed a fence based on an older ring`);
  for (const item of report.items) {
    if (item.promisedEpoch !== report.epoch) continue;
    const view = logView(item.partition);
    const name = `partition ${item.partition} of ${worker}: answered the fence of ${report.epoch}`;
    if ((view?.promisedEpoch ?? 0) < report.epoch) fail(`${name} before its promise was durable`);
    // Once synced in the epoch itself its log grows again.
    if (item.syncedEpoch === report.epoch || view?.syncedEpoch !== item.syncedEpoch) continue;
    if (view.lastSeq !== item.lastSeq) {
      fail(`${name} with ${item.lastSeq}, holds ${view.lastSeq}`);
    }
  }
}
