/**
 * Ends a handshake that gets no further. Whatever has come while this process was too busy to look counts as
 * in time: sockets are looked at once more before the end.
 */
export class HandshakeTimer {
  private timer: NodeJS.Timeout | undefined;
  private lastLook: NodeJS.Immediate | undefined;

  constructor(private readonly expired: (detail: string) => void) {}

  /** The next step has so long; the step before is done. */
  allow(withinMs: number, detail: string): void {
    this.end();
    this.timer = setTimeout(() => {
      this.lastLook = setImmediate(() => this.expired(detail));
    }, withinMs);
  }

  end(): void {
    clearTimeout(this.timer);
    clearImmediate(this.lastLook);
  }
}
