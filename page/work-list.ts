/** What is going on: what moves where, how far it has come, and how long it will take. */
import type { ClusterPicture, WorkPicture } from '../core/picture/cluster-picture.js';
import { byId, element, setChildren, setText } from './dom.js';
import { duration, partitions } from './words.js';
import { shareOf, textOf, titleOf } from './work-words.js';

interface Item {
  item: HTMLLIElement;
  title: HTMLElement;
  text: HTMLElement;
  track: HTMLElement;
}

export class WorkList {
  private readonly items = new Map<string, Item>();

  render({ works, head }: ClusterPicture): void {
    const list = byId('work-list');
    const { counts, remainingMs } = head;
    const left = Math.max(counts.total - counts.fullyReplicated, counts.moving);
    const rest = remainingMs === null ? '' : `, about ${duration(remainingMs)}`;
    setText(byId('works-note'), left === 0 ? '' : `${partitions(left)} to go${rest}`);
    const keys = works.map(({ kind, worker }) => `${kind} ${worker}`);
    for (const key of this.items.keys()) if (!keys.includes(key)) this.items.delete(key);
    if (works.length === 0) {
      const text =
        head.condition === 'healthy'
          ? 'Nothing: every replica is where it should be.'
          : restingText(head.awaited);
      if (list.textContent !== text) list.replaceChildren(element('li', { class: 'quiet' }, text));
      return;
    }
    const shown = works.map((work, index) => this.fill(keys[index] ?? '', work));
    setChildren(list, shown);
  }

  private fill(key: string, work: WorkPicture): HTMLLIElement {
    const known = this.items.get(key) ?? newItem();
    this.items.set(key, known);
    setText(known.title, titleOf(work));
    setText(known.text, textOf(work));
    known.item.dataset.kind = work.kind;
    known.track.style.setProperty('--share', `${Math.round(100 * shareOf(work))}%`);
    return known.item;
  }
}

function restingText(awaited: string): string {
  return awaited === 'nothing' ? 'Nothing' : `Waiting for ${awaited}`;
}

function newItem(): Item {
  const title = element('strong');
  const text = element('span', { class: 'text' });
  const track = element('span', { class: 'track', 'aria-hidden': 'true' });
  return { item: element('li', { class: 'work' }, title, text, track), title, text, track };
}
