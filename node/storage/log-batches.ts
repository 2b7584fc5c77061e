/** What waits for the log's disk: batches in the order of submission, each to be one transaction. */
import type { LogCommand, LogResult } from '../../core/protocol/log-command.js';

export interface LogBatch {
  commands: LogCommand[];
  /** Whom the results are for: the first `count`, the next `count` and so on. */
  submitted: { count: number; done: (results: LogResult[]) => void }[];
  bytes: number;
  /** To be called after its commit, before the next one. */
  reads: (() => void)[];
}

/** Bounds of one transaction, which the last commands to be added may pass. */
const batchCommandsMax = 4_096;
const batchBytesMax = 8 * 1024 * 1024;
/** What a command counts for beside its entries. */
const commandBytes = 64;

export class LogBatches {
  private readonly waiting: LogBatch[] = [];
  private due = false;
  /** Of all that waits. */
  bytes = 0;

  add(commands: readonly LogCommand[], done: (results: LogResult[]) => void): void {
    const last = this.waiting.at(-1);
    const batch = last !== undefined && isOpen(last) ? last : this.begin();
    let bytes = commandBytes * commands.length;
    for (const command of commands) {
      batch.commands.push(command);
      if (command.type === 'append' || command.type === 'sync')
        for (const entry of command.entries) bytes += entry.bytes.length;
    }
    batch.submitted.push({ count: commands.length, done });
    batch.bytes += bytes;
    this.bytes += bytes;
  }

  /** Runs when all before it is committed, and nothing after it. */
  addRead(read: () => void): void {
    (this.waiting.at(-1) ?? this.begin()).reads.push(read);
  }

  private begin(): LogBatch {
    const batch: LogBatch = { commands: [], submitted: [], bytes: 0, reads: [] };
    this.waiting.push(batch);
    return batch;
  }

  /** What is here can be taken. */
  flush(): void {
    this.due = this.waiting.length > 0;
  }

  /** The oldest; null if nothing is due. */
  take(): LogBatch | null {
    const batch = this.due ? this.waiting.shift() : undefined;
    if (this.waiting.length === 0) this.due = false;
    if (batch === undefined) return null;
    this.bytes -= batch.bytes;
    return batch;
  }
}

function isOpen({ commands, bytes, reads }: LogBatch): boolean {
  return reads.length === 0 && commands.length < batchCommandsMax && bytes < batchBytesMax;
}
