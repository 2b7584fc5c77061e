/** The live page put together: the log of events, the feed of pictures, and who looks at it. */
import { EventLog } from '../events/event-log.js';
import type { TellEvent } from '../events/note-gatherer.js';
import type { Timers } from '../ports.js';
import { PictureFeed } from './picture-feed.js';
import type { PictureSource } from './picture-feed.js';
import { Viewers } from './viewers.js';
import { WorkerActivities } from './worker-activities.js';
import type { AskWorker } from './worker-activities.js';

export interface LivePageOptions {
  /** Differs between two processes. */
  streamId: string;
  source: Omit<PictureSource, 'events'>;
  askWorker: AskWorker;
  timers: Timers;
}

export class LivePage {
  readonly viewers: Viewers;
  private readonly events: EventLog;
  private readonly feed: PictureFeed;

  constructor({ streamId, source, askWorker, timers }: LivePageOptions) {
    this.events = new EventLog(
      () => timers.wall(),
      () => this.feed.hurry(),
    );
    this.feed = new PictureFeed({
      streamId,
      source: { ...source, events: () => this.events.all() },
      activities: new WorkerActivities(askWorker, timers),
      timers,
    });
    this.viewers = new Viewers({ feed: this.feed, timers });
  }

  /** An event for its log. */
  readonly tell: TellEvent = (type, reason, text) => this.events.add(type, reason, text);
}
