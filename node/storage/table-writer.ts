/**
 * The table's thread: owns the only connection that writes the table, does one request after another, and in
 * between what nobody waits for: emptying slots, looking for damage.
 */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { assert } from '../../core/assert.js';
import { unpackGroups } from './entry-batch.js';
import { StorageMeasurements } from './storage-measurements.js';
import { failureMessage } from './storage-worker.js';
import type { TableCopy } from './table-copy.js';
import { TableFile } from './table-file.js';
import type { TableReply, TableRequest, TableWriterData } from './table-messages.js';
import { TableScrub } from './table-scrub.js';

const fullRetryMs = 200;
/** A second: the pace is one of rows in a second. */
const scrubIntervalMs = 1_000;
const reclaimRows = 1_000;
const reclaimIntervalMs = 20;

class TableWriter {
  private readonly table: TableFile;
  private readonly scrub: TableScrub;
  private readonly copies = new Map<number, TableCopy>();
  private nextHandle = 1;
  /** Requests behind one that waits for room on the disk. Their senders bound what they send. */
  private waiting: TableRequest[] = [];
  private scrubTimer: NodeJS.Timeout;
  private reclaimTimer: NodeJS.Timeout | null = null;
  private ended = false;
  private readonly measured: StorageMeasurements;

  constructor(
    private readonly port: MessagePort,
    private readonly data: TableWriterData,
  ) {
    this.measured = new StorageMeasurements(data.measured);
    this.table = new TableFile(data.path, { newStoreId: '', limits: data.limits });
    this.scrub = new TableScrub(this.table.database);
    this.scrubTimer = setInterval(() => this.guard(() => this.lookForDamage()), scrubIntervalMs);
    port.on('message', (request: TableRequest) => {
      this.waiting.push(request);
      if (this.waiting.length === 1) this.guard(() => this.work());
    });
    this.reply({ type: 'opened' });
    this.planReclaim();
  }

  private reply(message: TableReply, transferList: ArrayBuffer[] = []): void {
    this.port.postMessage(message, transferList);
  }

  private guard(run: () => void): void {
    if (this.ended) return;
    try {
      run();
    } catch (error) {
      this.end();
      this.port.postMessage(failureMessage(error));
    }
  }

  private end(): void {
    this.ended = true;
    clearInterval(this.scrubTimer);
    if (this.reclaimTimer !== null) clearTimeout(this.reclaimTimer);
  }

  /** A request that needs room waits for it, and all behind it: their order is what the sender counts on. */
  private work(): void {
    for (let request = this.waiting[0]; request !== undefined; request = this.waiting[0]) {
      if (!this.handle(request)) {
        setTimeout(() => this.guard(() => this.work()), fullRetryMs);
        return;
      }
      this.waiting.shift();
    }
  }

  private handle(request: TableRequest): boolean {
    switch (request.type) {
      case 'apply': {
        const startedAt = performance.now();
        const outcome = this.table.apply(unpackGroups(request.packed));
        this.measured.applySeconds.record((performance.now() - startedAt) / 1_000);
        this.reply({ type: 'applied', id: request.id, outcome });
        return true;
      }
      case 'checkpoint':
        this.reply({ type: 'synced', id: request.id, positions: this.table.checkpoint() });
        return true;
      case 'stage': {
        const outcome = this.table.stage(request.partition, request.part);
        this.reply({ type: 'staged', id: request.id, outcome });
        return true;
      }
      case 'adopt':
        return this.changeTable(
          request.id,
          this.table.adopt(request.partition, request.stageNumber) === 'adopted',
        );
      case 'drop':
        return this.changeTable(request.id, this.table.drop(request.partition) === 'dropped');
      case 'close':
        this.close();
        this.reply({ type: 'done', id: request.id });
        return true;
      default:
        this.copy(request);
        return true;
    }
  }

  private changeTable(id: number, done: boolean): boolean {
    if (!done) return false;
    this.planReclaim();
    this.reply({ type: 'done', id });
    return true;
  }

  private copy(request: Extract<TableRequest, { type: 'openCopy' | 'readCopy' | 'closeCopy' }>): void {
    if (request.type === 'openCopy') {
      const copy = this.table.openCopy(request.partition);
      const handle = this.nextHandle;
      this.nextHandle += 1;
      this.copies.set(handle, copy);
      this.reply({ type: 'copyOpened', id: request.id, handle, atSeq: copy.atSeq });
      return;
    }
    const copy = this.copies.get(request.handle);
    if (request.type === 'closeCopy') {
      copy?.close();
      this.copies.delete(request.handle);
      return;
    }
    assert(copy !== undefined, 'a copy is read while it is open');
    const { rows, last } = copy.read(request.bytesMax);
    this.reply({ type: 'copyRead', id: request.id, rows, last }, [rows.buffer as ArrayBuffer]);
  }

  private planReclaim(): void {
    this.reclaimTimer ??= setTimeout(() => {
      this.reclaimTimer = null;
      this.guard(() => {
        if (this.table.reclaim(reclaimRows)) this.planReclaim();
      });
    }, reclaimIntervalMs);
  }

  private lookForDamage(): void {
    const { measured, scrub, data } = this;
    if (data.scrubRowsPerSecond === 0) return;
    for (const partition of scrub.step(data.scrubRowsPerSecond)) {
      measured.set('scrubDamage', measured.get('scrubDamage') + 1);
      this.reply({ type: 'damaged', partition });
    }
    measured.set('scrubRows', scrub.rows);
    if (scrub.rounds > measured.get('scrubRounds')) measured.set('scrubLastWallMs', Date.now());
    measured.set('scrubRounds', scrub.rounds);
  }

  private close(): void {
    this.end();
    for (const copy of this.copies.values()) copy.close();
    this.table.checkpoint();
    this.table.makeDurable();
    this.table.close();
  }
}

function run(port: MessagePort, data: TableWriterData): void {
  try {
    new TableWriter(port, data);
  } catch (error) {
    port.postMessage(failureMessage(error));
  }
}

if (parentPort !== null) run(parentPort, workerData as TableWriterData);
