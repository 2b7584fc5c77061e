/**
 * A storage thread as its adapters see it: started with the data it needs, sent messages, and either alive or
 * the reason for the process to end. Errors cross the border by name.
 */
import { Worker } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';
import { AmnesiacStore, ForeignStore, StorageFailure, describeError } from './storage-error.js';

/** What every storage thread may say besides its own messages. */
export interface ThreadFailure {
  type: 'failure';
  name: string;
  message: string;
}

export function failureMessage(error: unknown): ThreadFailure {
  const name = error instanceof Error ? error.name : 'Error';
  const detail =
    error instanceof Error && name === 'AssertionError' ? (error.stack ?? '') : describeError(error);
  return { type: 'failure', name, message: detail };
}

function failureError({ name, message }: ThreadFailure): Error {
  if (name === 'AmnesiacStore') return new AmnesiacStore(message);
  if (name === 'ForeignStore') return new ForeignStore(message);
  return new StorageFailure(name === 'StorageFailure' ? message : `${name}: ${message}`);
}

export class StorageWorker<Request, Reply extends { type: string }> {
  private readonly thread: Worker;
  private ended = false;

  /** `file` is beside this module. After `onFailure` nothing more comes; it is called once at most. */
  constructor(
    file: string,
    data: { workerData: unknown; transferList?: Transferable[] },
    onReply: (reply: Reply) => void,
    onFailure: (error: Error) => void,
  ) {
    this.thread = new Worker(new URL(file, import.meta.url), data);
    const fail = (error: Error) => {
      if (this.ended) return;
      this.ended = true;
      onFailure(error);
    };
    this.thread.on('message', (message: Reply | ThreadFailure) => {
      if (this.ended) return;
      if (message.type === 'failure') fail(failureError(message as ThreadFailure));
      else onReply(message as Reply);
    });
    this.thread.on('error', (error) =>
      fail(new StorageFailure(`a storage thread ended: ${describeError(error)}`)),
    );
    this.thread.on('exit', (code) => fail(new StorageFailure(`a storage thread ended with code ${code}`)));
  }

  post(request: Request, transferList: readonly Transferable[] = []): void {
    if (!this.ended) this.thread.postMessage(request, transferList);
  }

  /** For after the last message has been answered. */
  async end(): Promise<void> {
    this.ended = true;
    await this.thread.terminate();
  }
}
