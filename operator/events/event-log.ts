/**
 * What happened of late, in memory: for whoever opens the live page after the fact. Bounded; nothing is read
 * back from it.
 */
import type { EventPicture } from '../../core/picture/cluster-picture.js';
import type { EventType } from './note-gatherer.js';

const eventsMax = 200;
const textLengthMax = 500;

export class EventLog {
  private events: EventPicture[] = [];
  private newest = 0;

  constructor(
    private readonly wall: () => number,
    /** Something was added. */
    private readonly changed: () => void = () => undefined,
  ) {}

  add(type: EventType, reason: string, text: string): void {
    this.newest += 1;
    this.events.push({
      id: this.newest,
      at: this.wall(),
      severity: type === 'Warning' ? 'warning' : 'info',
      reason,
      text: text.slice(0, textLengthMax),
    });
    if (this.events.length > eventsMax) this.events = this.events.slice(-eventsMax);
    this.changed();
  }

  /** Oldest first. */
  all(): EventPicture[] {
    return this.events;
  }
}
