/**
 * When the log's write-ahead log is moved into its file: its bulk by the reading thread, once it has grown to
 * the size wanted; what commits have added meanwhile between two of them.
 */

/** A page in the write-ahead log. */
const frameBytes = 4_096 + 24;
/** What a commit writes besides blocks: now and then pages of the small tables. */
const commitOverheadBytes = frameBytes;
/** How many times its bound the write-ahead log may grow to while the reading thread is behind. */
const walOverrun = 8;

export class LogCheckpoints {
  /** Estimate of what the write-ahead log has grown by since it was last begun anew. */
  private walBytes = 0;
  private isMoving = false;
  /** No commit should go before the rest of the checkpoint. */
  isToFinish = false;

  /** `move` is asked for the bulk, and answers with {@link moved}. */
  constructor(
    private readonly walBytesWanted: number,
    private readonly move: () => void,
  ) {}

  /** A commit has written so many blocks. */
  wrote(blocks: number): void {
    this.walBytes += blocks * frameBytes + commitOverheadBytes;
    if (this.walBytes <= this.walBytesWanted || this.isToFinish) return;
    if (this.walBytes > this.walBytesWanted * walOverrun) {
      // The reading thread does not keep up: better a slow commit than a disk that fills.
      this.isToFinish = true;
    } else if (!this.isMoving) {
      this.isMoving = true;
      this.move();
    }
  }

  moved(): void {
    this.isMoving = false;
    this.isToFinish = true;
  }

  /** `isAll`: the write-ahead log begins anew. A reader may have been in the way. */
  finished(isAll: boolean): void {
    this.isToFinish = false;
    this.walBytes = isAll ? 0 : this.walBytesWanted / 2;
  }
}
