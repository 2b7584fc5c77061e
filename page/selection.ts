/** What the person has picked: a partition, a worker; shown by several parts of the page at once. */

export interface Selection {
  partition: number | null;
  /** The key that it was picked by; '' if it was picked itself. */
  key: string;
  /** Its index in the list of workers. */
  worker: string | null;
}

export class SelectionStore {
  private current: Selection = { partition: null, key: '', worker: null };

  constructor(private readonly changed: () => void) {}

  get value(): Selection {
    return this.current;
  }

  pickPartition(partition: number | null, key = ''): void {
    this.current = { ...this.current, partition, key };
    this.changed();
  }

  /** Once more takes it back. */
  pickWorker(worker: string): void {
    this.current = { ...this.current, worker: this.current.worker === worker ? null : worker };
    this.changed();
  }
}
