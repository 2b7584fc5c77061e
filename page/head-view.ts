/**
 * The line at the top that says it all, the banner for what a person has to know, and the page of a standby.
 */
import type { ClusterPicture, Condition } from '../core/picture/cluster-picture.js';
import type { LinkState } from './connection.js';
import { byId, setAttribute, setText } from './dom.js';
import { conditionWords, count, duration, minus } from './words.js';

const glyphs: Record<Condition, string> = {
  healthy: 'M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1ZM6.9 11.2L12 6.1L10.9 5L6.9 9L5.1 7.2L4 8.3Z',
  repairing: 'M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1ZM8 3v10A5 5 0 0 0 8 3Z',
  unavailable: 'M8 1L15.5 14.6H0.5ZM7.1 5.6h1.8v4.6H7.1ZM7.1 11.2h1.8V13H7.1Z',
  stopped: 'M5 1h6l4 4v6l-4 4H5l-4-4V5ZM7.1 4h1.8v5H7.1ZM7.1 10.4h1.8v1.8H7.1Z',
  starting:
    'M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1ZM8 3a5 5 0 1 0 0 10A5 5 0 1 0 8 3ZM7.2 4.4h1.6v3.2h2.6v1.6H7.2Z',
  standby: 'M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1ZM5.4 5v6h1.8V5ZM8.8 5v6h1.8V5Z',
};

const linkWords: Record<LinkState, string> = {
  connecting: 'connecting',
  live: 'live',
  lost: 'connection lost',
  paused: 'paused',
};

export class HeadView {
  private announced = '';

  render(picture: ClusterPicture): void {
    const { head } = picture;
    document.body.dataset.condition = head.condition;
    setAttribute(byId('condition-glyph'), 'd', glyphs[head.condition]);
    setText(byId('phase'), phaseText(picture));
    setText(byId('fact-ring'), head.ringVersion === 0 ? minus : count(head.ringVersion));
    setText(byId('fact-epoch'), head.epochCounter === 0 ? minus : count(head.epochCounter));
    setText(byId('fact-copies'), head.replicationFactor === 0 ? minus : String(head.replicationFactor));
    setText(byId('fact-controller'), head.controller);
    this.announce(picture);
    renderStandby(picture);
  }

  renderLink(state: LinkState, silentMs: number | null, picture: ClusterPicture | null): void {
    document.body.dataset.link = state;
    const since = state === 'lost' && silentMs !== null ? `, ${duration(silentMs)}` : '';
    setText(byId('fact-link'), `${linkWords[state]}${since}`);
    if (picture !== null) {
      const word = conditionWords[picture.head.condition];
      // What was true when it was said may not be any more.
      setText(byId('condition-word'), state === 'lost' ? `Was ${word.toLowerCase()}` : word);
      document.title = state === 'lost' ? 'No connection – Kvorum' : `${word} – Kvorum`;
    }
    const banner = byId('banner');
    const text = bannerText(state, picture);
    setText(banner, text);
    banner.hidden = text === '';
  }

  /** To a screen reader: when the condition changes, not each time that a number does. */
  private announce({ head }: ClusterPicture): void {
    if (head.condition === this.announced) return;
    this.announced = head.condition;
    setText(byId('announcement'), `${conditionWords[head.condition]}: ${head.phase}`);
  }
}

function phaseText({ head }: ClusterPicture): string {
  const { phase, awaited } = head;
  if (awaited === 'nothing') return phase;
  return phase === 'waiting' ? `waiting for ${awaited}` : `${phase}, waiting for ${awaited}`;
}

function bannerText(state: LinkState, picture: ClusterPicture | null): string {
  if (state === 'lost') {
    return picture === null
      ? 'The controller does not answer. Trying again …'
      : 'No connection to the controller: this is the last that it said. The workers serve on without it.';
  }
  if (picture?.head.condition === 'stopped')
    return `The controller decides nothing more: ${picture.head.awaited}`;
  return '';
}

function renderStandby({ head }: ClusterPicture): void {
  const stands = head.condition === 'standby';
  byId('standby').hidden = !stands;
  byId('parts').hidden = stands;
  if (!stands) return;
  const active = head.active === '' ? 'Another one' : head.active;
  setText(
    byId('standby-text'),
    `${active} is the active operator and sees the cluster; ${head.controller} would take over from it. To look at its page:`,
  );
  const pod = head.active === '' ? 'POD' : head.active;
  setText(byId('standby-command'), `kubectl port-forward pod/${pod} 7400:8080`);
}
