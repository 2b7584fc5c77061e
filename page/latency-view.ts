/**
 * How long writes took to reach their quorum over the last minutes: the median and the slowest hundredth,
 * with failovers marked, and how many writes there were.
 */
import type {
  ClusterPicture,
  EventPicture,
  LatencyPicture,
  LatencySlot,
} from '../core/picture/cluster-picture.js';
import { byId, drawing, element, setAttribute } from './dom.js';
import { heightOf, latencyScale, stretches, tickLabel } from './latency-scale.js';
import type { LatencyScale } from './latency-scale.js';
import { count, latency } from './words.js';

const height = 190;
const left = 46;
const right = 8;
const top = 16;
const bottom = 132;
const strip = { top: 146, bottom: 172 };
const marked = new Set(['Failover', 'WorkerLost', 'QuorumLost']);
/** Figures are of the last slots that are over. */
const figureSlots = 3;

/** A slot between two without writes is a dash as wide as it: a point alone could not be seen. */
function drawable(run: LatencySlot[]): LatencySlot[] {
  const [only] = run;
  return run.length === 1 && only !== undefined ? [{ ...only, slot: only.slot - 0.9 }, only] : run;
}

export class LatencyView {
  private readonly chart = drawing('svg', { role: 'img', class: 'chart-drawing' });
  private picture: ClusterPicture | null = null;

  constructor() {
    const holder = byId('chart');
    holder.append(this.chart);
    new ResizeObserver(() => this.draw()).observe(holder);
  }

  render(picture: ClusterPicture): void {
    this.picture = picture;
    this.draw();
  }

  private draw(): void {
    const width = byId('chart').clientWidth;
    if (this.picture === null || width === 0) return;
    const { latency: history, events, at } = this.picture;
    const plot = new Plot(history, at, width);
    setAttribute(this.chart, 'viewBox', `0 0 ${width} ${height}`);
    setAttribute(this.chart, 'height', String(height));
    const figures = figuresOf(history, at);
    const note = byId('latency-figures');
    note.replaceChildren(...figures.map(figureNode));
    const words = figures.map(({ name, value }) => `${name}${value}`).join(', ');
    setAttribute(this.chart, 'aria-label', `Writes of the last ${plot.minutes} minutes: ${words}`);
    this.chart.replaceChildren(...plot.frame(), ...plot.marks(events), ...plot.curves(), ...plot.rates());
  }
}

class Plot {
  readonly minutes: number;
  private readonly scale: LatencyScale;
  private readonly newest: number;

  constructor(
    private readonly history: LatencyPicture,
    at: number,
    private readonly width: number,
  ) {
    this.scale = latencyScale(history.slots);
    this.newest = at / history.slotMs;
    this.minutes = Math.round((history.slotMs * history.slotsMax) / 60_000);
  }

  frame(): SVGElement[] {
    const parts: SVGElement[] = [];
    for (let power = this.scale.low; power <= this.scale.high; power += 1) {
      const y = this.y(10 ** power);
      parts.push(drawing('path', { class: 'grid', d: `M${left} ${y}H${this.width - right}` }));
      parts.push(text(left - 6, y + 3.5, 'tick end', tickLabel(power)));
    }
    const wide = this.width > 420;
    for (let minute = 0; minute <= this.minutes; minute += wide ? 2 : 5) {
      const x = this.x(this.newest - (minute * 60_000) / this.history.slotMs);
      parts.push(drawing('path', { class: 'grid faint', d: `M${x} ${top}V${strip.bottom}` }));
      const label = minute === 0 ? 'now' : `${minute} min`;
      const anchor = minute === 0 ? 'tick end' : minute === this.minutes ? 'tick' : 'tick middle';
      parts.push(text(x, height - 4, anchor, label));
    }
    return parts;
  }

  /** Where failovers and losses were. */
  marks(events: readonly EventPicture[]): SVGElement[] {
    return events
      .filter(({ reason }) => marked.has(reason))
      .map((event) => ({ event, x: this.x(event.at / this.history.slotMs) }))
      .filter(({ x }) => x >= left)
      .flatMap(({ event, x }) => [
        drawing('path', { class: 'mark-line', d: `M${x} ${top}V${strip.bottom}` }),
        drawing(
          'path',
          { class: 'mark', d: `M${x - 4} ${top - 7}h8l-4 7Z` },
          drawing('title', {}, event.text),
        ),
      ]);
  }

  curves(): SVGElement[] {
    const runs = stretches(this.history.slots).map(drawable);
    if (runs.length === 0) {
      const middle = (left + this.width - right) / 2;
      return [text(middle, (top + bottom) / 2, 'none middle', 'No writes in this time')];
    }
    const line = (value: (slot: LatencySlot) => number | null) =>
      runs.map((run) => `M${run.map((slot) => this.point(slot, value(slot) ?? 0)).join('L')}`).join('');
    const spread = runs.map((run) => {
      const upper = run.map((slot) => this.point(slot, slot.p99 ?? 0));
      const lower = run.map((slot) => this.point(slot, slot.p50 ?? 0)).reverse();
      return `M${[...upper, ...lower].join('L')}Z`;
    });
    return [
      drawing('path', { class: 'spread', d: spread.join('') }),
      drawing('path', { class: 'p99', d: line((slot) => slot.p99) }),
      drawing('path', { class: 'p50', d: line((slot) => slot.p50) }),
    ];
  }

  /** Writes as bars, and those that failed above them. */
  rates(): SVGElement[] {
    const { slots } = this.history;
    const most = Math.max(1, ...slots.map(({ writes, failed }) => writes + failed));
    const barWidth = Math.max(1, this.x(1) - this.x(0) - 1);
    const tall = strip.bottom - strip.top;
    const bars = (from: (slot: LatencySlot) => number, to: (slot: LatencySlot) => number) =>
      slots
        .filter((slot) => to(slot) > from(slot) && this.x(slot.slot) >= left)
        .map((slot) => {
          const low = strip.bottom - (tall * from(slot)) / most;
          const high = Math.min(low - 1, strip.bottom - (tall * to(slot)) / most);
          return `M${this.x(slot.slot)} ${low.toFixed(1)}V${high.toFixed(1)}h${barWidth.toFixed(1)}V${low.toFixed(1)}Z`;
        })
        .join('');
    const perSecond = most / (this.history.slotMs / 1_000);
    return [
      drawing('path', {
        class: 'writes',
        d: bars(
          () => 0,
          (slot) => slot.writes,
        ),
      }),
      drawing('path', {
        class: 'failed',
        d: bars(
          (slot) => slot.writes,
          (slot) => slot.writes + slot.failed,
        ),
      }),
      text(
        left - 6,
        strip.top + 10,
        'tick end',
        slots.length === 0 ? '' : `${count(Math.round(perSecond))}/s`,
      ),
    ];
  }

  private point(slot: LatencySlot, ms: number): string {
    return `${this.x(slot.slot + 0.5)} ${this.y(ms)}`;
  }

  /** Of a moment in slots. */
  private x(slot: number): number {
    const share = 1 - (this.newest - slot) / this.history.slotsMax;
    return Number((left + share * (this.width - left - right)).toFixed(1));
  }

  private y(ms: number): number {
    return Number((bottom - heightOf(ms, this.scale) * (bottom - top)).toFixed(1));
  }
}

function text(x: number, y: number, name: string, content: string): SVGTextElement {
  return drawing('text', { x: String(x), y: String(y), class: name }, content);
}

interface Figure {
  name: string;
  value: string;
  /** How its line is drawn, if it has one. */
  stroke: 'solid' | 'dashed' | null;
}

function figureNode({ name, value, stroke }: Figure): HTMLElement {
  const line = stroke === null ? '' : element('span', { class: `stroke ${stroke}`, 'aria-hidden': 'true' });
  return element('span', {}, line, name, element('b', {}, value));
}

function figuresOf({ slots, slotMs, slotsMax }: LatencyPicture, at: number): Figure[] {
  const current = Math.floor(at / slotMs);
  const recent = slots.filter(({ slot }) => slot < current && slot >= current - figureSlots);
  const writes = recent.reduce((sum, slot) => sum + slot.writes, 0);
  const failed = slots.reduce((sum, slot) => sum + slot.failed, 0);
  const worst = (value: (slot: LatencySlot) => number | null) =>
    writes === 0 ? null : Math.max(...recent.map((slot) => value(slot) ?? 0));
  const perSecond = Math.round(writes / (figureSlots * (slotMs / 1_000)));
  const minutes = (slotMs * slotsMax) / 60_000;
  return [
    { name: 'p50 ', value: latency(worst(({ p50 }) => p50)), stroke: 'solid' },
    { name: 'p99 ', value: latency(worst(({ p99 }) => p99)), stroke: 'dashed' },
    { name: 'writes/s ', value: count(perSecond), stroke: null },
    { name: `failed in ${minutes} min `, value: count(failed), stroke: null },
  ];
}
