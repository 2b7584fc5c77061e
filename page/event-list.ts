/** The log of what happened, newest first. */
import type { ClusterPicture, EventPicture } from '../core/picture/cluster-picture.js';
import { byId, drawing, element, setText } from './dom.js';
import { count } from './words.js';

const warningGlyph = 'M8 1.5L15 14.2H1ZM7.2 6h1.6v4H7.2ZM7.2 11h1.6v1.6H7.2Z';
const infoGlyph = 'M8 5.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 1 1 0-5Z';

export class EventList {
  private newest = 0;
  private oldest = 0;

  render({ events }: ClusterPicture): void {
    const list = byId('event-list');
    const first = events[0]?.id ?? 0;
    const last = events.at(-1)?.id ?? 0;
    // Another controller counts anew.
    const continues = first >= this.oldest && last >= this.newest && this.newest > 0;
    if (!continues) list.replaceChildren();
    const added = events.filter(({ id }) => !continues || id > this.newest).map(eventItem);
    list.prepend(...added.reverse());
    while (list.children.length > Math.max(1, events.length)) list.lastElementChild?.remove();
    if (events.length === 0)
      list.replaceChildren(element('li', { class: 'quiet' }, 'Nothing has happened yet.'));
    else if (!continues) list.querySelector('.quiet')?.remove();
    this.oldest = first;
    this.newest = last;
    const warnings = events.filter(({ severity }) => severity === 'warning').length;
    setText(
      byId('events-note'),
      warnings === 0 ? '' : `${count(warnings)} of ${count(events.length)} are warnings`,
    );
  }
}

function eventItem({ at, severity, text }: EventPicture): HTMLLIElement {
  const date = new Date(at);
  const time = element('time', { datetime: date.toISOString() }, timeText(date));
  const path = drawing('path', { d: severity === 'warning' ? warningGlyph : infoGlyph });
  const glyph = drawing('svg', { viewBox: '0 0 16 16', class: 'glyph', 'aria-hidden': 'true' }, path);
  const words = element(
    'span',
    {},
    severity === 'warning' ? element('span', { class: 'unseen' }, 'Warning: ') : '',
    text,
  );
  return element('li', { class: `event ${severity}` }, time, glyph, words);
}

function timeText(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const isToday = Date.now() - date.getTime() < 12 * 3_600_000;
  return isToday ? clock : `${date.getMonth() + 1}/${date.getDate()} ${clock}`;
}
