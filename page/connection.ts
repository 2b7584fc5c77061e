/**
 * The stream from the controller. It comes back by itself after any interruption and continues where it was,
 * if the controller still knows; what is shown meanwhile is what was said last. While nobody sees the page
 * it is closed: the controller makes no pictures for nobody.
 *
 *   connecting -> live -(broken, silent)-> lost -> connecting …        any -(hidden)-> paused -> connecting
 */
import type { ClusterPicture } from '../core/picture/cluster-picture.js';
import { applied } from '../core/picture/picture-change.js';
import type { PictureChange } from '../core/picture/picture-change.js';

export type LinkState = 'connecting' | 'live' | 'lost' | 'paused';

const streamUrl = 'page/stream';
const retryFirstMs = 1_000;
const retryLastMs = 10_000;
/** The controller says something every few seconds, or the connection is broken whatever it looks like. */
const silenceMs = 12_000;

export class Connection {
  private source: EventSource | null = null;
  private picture: ClusterPicture | null = null;
  private lastId = '';
  private retryMs = retryFirstMs;
  private timer = 0;
  /** When the controller was heard last, by this machine's clock. */
  heardAt: number | null = null;
  state: LinkState = 'connecting';

  constructor(
    private readonly received: (picture: ClusterPicture) => void,
    private readonly stateChanged: () => void,
  ) {}

  open(): void {
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.close('paused');
      else if (this.state === 'paused') this.connect();
    });
    this.connect();
  }

  private connect(): void {
    this.source?.close();
    const source = new EventSource(`${streamUrl}?after=${encodeURIComponent(this.lastId)}`);
    this.source = source;
    this.become(this.picture === null ? 'connecting' : 'lost');
    this.watchSilence();
    source.addEventListener('state', (event) => {
      this.take(event, JSON.parse(String(event.data)) as ClusterPicture);
    });
    source.addEventListener('change', (event) => {
      if (this.picture === null) return;
      this.take(event, applied(this.picture, JSON.parse(String(event.data)) as PictureChange));
    });
    source.addEventListener('error', () => this.retry());
  }

  private take(event: MessageEvent, picture: ClusterPicture): void {
    this.picture = picture;
    this.lastId = event.lastEventId;
    this.heardAt = performance.now();
    this.retryMs = retryFirstMs;
    this.become('live');
    this.watchSilence();
    this.received(picture);
  }

  private retry(): void {
    this.close('lost');
    this.timer = window.setTimeout(() => this.connect(), this.retryMs);
    this.retryMs = Math.min(retryLastMs, this.retryMs * 2);
  }

  private watchSilence(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.retry(), silenceMs);
  }

  private close(state: LinkState): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.become(state);
  }

  private become(state: LinkState): void {
    if (state === this.state) return;
    this.state = state;
    this.stateChanged();
  }
}
