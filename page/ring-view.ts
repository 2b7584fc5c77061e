/**
 * The ring: outside a band of all partitions by state, told apart by shape as well as by colour; inside a
 * lane for each worker that shows what it leads (thick) and what it backs up (thin). By keyboard it is one
 * slider over the partitions.
 */
import type { ClusterPicture, PartitionPicture, PartitionState } from '../core/picture/cluster-picture.js';
import { byId, drawing, element, setAttribute, setChildren, setText } from './dom.js';
import { describePartition } from './partition-words.js';
import { arc, band, center, pointAt, runsOf, segmentAt, segmentsOf, turnOf } from './ring-geometry.js';
import type { Segments } from './ring-geometry.js';
import { nextPartition } from './ring-keys.js';
import type { SelectionStore } from './selection.js';
import { count, partitionStates, partitionWords, shortName } from './words.js';

const bandInner = 174;
const bandOuter = 190;
/** Inner and outer radius of the band by state: what is not well looks different, not only coloured. */
const shapes: Record<PartitionState, [inner: number, outer: number]> = {
  full: [bandInner, bandOuter],
  under: [bandInner, bandInner + 9],
  leaderless: [bandInner, bandOuter],
  noQuorum: [bandInner, bandOuter + 8],
  unheard: [bandInner + 6, bandInner + 10],
  new: [bandInner + 6, bandInner + 10],
};
const movingRadius = 195;
const lanesOuter = 164;
const lanesInner = 90;
const lanesMax = 12;
const laneMax = 18;

export class RingView {
  private readonly dial = drawing('svg', { viewBox: '0 0 400 400', class: 'dial-drawing' });
  private readonly states = new Map<PartitionState, SVGPathElement>();
  private readonly moving = drawing('path', { class: 'moving' });
  private readonly lanes = drawing('g', { class: 'lanes' });
  private readonly needle = drawing('path', { class: 'needle' });
  private readonly big = drawing('text', { class: 'big', x: '200', y: '200' });
  private readonly small = drawing('text', { class: 'small', x: '200', y: '220' });
  private readonly smaller = drawing('text', { class: 'small', x: '200', y: '236' });
  private partitions: PartitionPicture[] = [];
  private segments: Segments = { count: 0, each: 1 };

  constructor(private readonly selection: SelectionStore) {
    const ground = drawing('path', {
      class: 'ground',
      d: band(turnOf(0, 1), turnOf(1, 1), bandInner, bandOuter),
    });
    this.dial.append(ground, this.lanes);
    for (const state of partitionStates) {
      const path = drawing('path', { class: `segment ${state}` });
      this.states.set(state, path);
      this.dial.append(path);
    }
    this.dial.append(this.moving, this.needle, this.big, this.small, this.smaller);
    for (const [name, value] of Object.entries(sliderAttributes)) this.dial.setAttribute(name, value);
    this.dial.addEventListener('keydown', (event) => this.keyPressed(event));
    this.dial.addEventListener('click', (event) => this.clicked(event));
    byId('dial').append(this.dial);
  }

  render(picture: ClusterPicture, partitions: PartitionPicture[], changed: boolean): void {
    this.partitions = partitions;
    if (changed) {
      this.segments = segmentsOf(partitions.length);
      this.drawStates();
      this.drawMiddle(picture);
      this.drawLegend();
    }
    this.drawLanes(picture);
    this.drawSelection(picture);
  }

  /** The gravest state of the partitions that share a segment. */
  private segmentState(segment: number): PartitionState {
    let gravest = 0;
    for (const { state } of this.partitionsOf(segment)) {
      gravest = Math.max(gravest, partitionStates.indexOf(state));
    }
    return partitionStates[gravest] ?? 'full';
  }

  private partitionsOf(segment: number): PartitionPicture[] {
    const { each } = this.segments;
    return this.partitions.slice(segment * each, (segment + 1) * each);
  }

  private drawStates(): void {
    const { count: segmentCount } = this.segments;
    const paths = new Map<PartitionState, string>();
    const space = segmentCount > 128 ? 0.12 : 0.06;
    for (let segment = 0; segment < segmentCount; segment += 1) {
      const state = this.segmentState(segment);
      const [inner, outer] = shapes[state];
      const piece = band(
        turnOf(segment + space, segmentCount),
        turnOf(segment + 1 - space, segmentCount),
        inner,
        outer,
      );
      paths.set(state, (paths.get(state) ?? '') + piece);
    }
    for (const [state, path] of this.states) setAttribute(path, 'd', paths.get(state) ?? '');
    const moving = runsOf(segmentCount, (segment) =>
      this.partitionsOf(segment).some((found) => found.moving),
    );
    const arcs = moving.map(({ from, to }) => {
      return arc(turnOf(from + 0.15, segmentCount), turnOf(to - 0.15, segmentCount), movingRadius);
    });
    setAttribute(this.moving, 'd', arcs.join(''));
  }

  private drawLanes(picture: ClusterPicture): void {
    const { workers } = picture;
    const picked = this.selection.value.worker;
    const shown = workers
      .map((worker, index) => ({ worker, index }))
      .filter(({ worker }) => workers.length <= lanesMax || worker.id === picked);
    const pitch = Math.min(laneMax, (lanesOuter - lanesInner) / Math.max(1, shown.length));
    const lanes = shown.map(({ worker, index }, place) => {
      const radius = lanesOuter - pitch * (place + 0.5);
      const dim = picked !== null && picked !== worker.id;
      const lane = drawing('g', { class: `lane ${worker.state}${dim ? ' dim' : ''}` });
      const [x, y] = pointAt(0, radius);
      const label = drawing('text', { x: String(x), y: String(y), class: 'lane-name' });
      label.textContent = shortName(worker.id);
      lane.append(
        drawing('path', { class: 'rail', d: arc(turnOf(0, 1), turnOf(1, 1), radius) }),
        this.laneArcs('backup', radius, ({ voters }) => voters.includes(index), Math.max(1.5, pitch * 0.2)),
        this.laneArcs(
          'learner',
          radius,
          ({ learners }) => learners.includes(index),
          Math.max(1.5, pitch * 0.3),
        ),
        this.laneArcs('primary', radius, ({ primary }) => primary === index, pitch * 0.62),
        label,
      );
      return lane;
    });
    this.lanes.replaceChildren(...lanes);
  }

  private laneArcs(
    role: string,
    radius: number,
    holds: (partition: PartitionPicture) => boolean,
    width: number,
  ): SVGPathElement {
    const { count: segmentCount } = this.segments;
    const runs = runsOf(segmentCount, (segment) => this.partitionsOf(segment).some(holds));
    const arcs = runs.map(({ from, to }) => {
      return arc(turnOf(from + 0.08, segmentCount), turnOf(to - 0.08, segmentCount), radius);
    });
    return drawing('path', { class: role, d: arcs.join(''), 'stroke-width': width.toFixed(1) });
  }

  private drawMiddle({ head }: ClusterPicture): void {
    const { total, fullyReplicated } = head.counts;
    const exists = total > 0;
    const full = this.partitions.filter(({ state }) => state === 'full').length;
    setText(this.big, exists ? count(head.condition === 'starting' ? full : fullyReplicated) : '');
    setText(this.small, exists ? `of ${count(total)} partitions` : 'no ring yet');
    setText(this.smaller, exists ? 'fully replicated' : '');
    setText(byId('ring-note'), exists ? this.shareNote() : '');
  }

  private shareNote(): string {
    const { each } = this.segments;
    const lanes = 'a lane for each worker, thick where it is primary';
    return each === 1 ? lanes : `${lanes}; a segment is ${each} partitions`;
  }

  private drawLegend(): void {
    const items = partitionStates.flatMap((state) => {
      const found = this.partitions.filter((partition) => partition.state === state).length;
      if (found === 0) return [];
      return [legendItem(state, count(found), partitionWords[state])];
    });
    const moving = this.partitions.filter((partition) => partition.moving).length;
    if (moving > 0) items.push(legendItem('moving', count(moving), 'moving'));
    setChildren(byId('legend'), items);
  }

  private drawSelection(picture: ClusterPicture): void {
    const { partition } = this.selection.value;
    const length = this.partitions.length;
    const chosen = partition !== null && partition < length ? partition : null;
    setAttribute(this.dial, 'aria-valuemax', String(Math.max(0, length - 1)));
    setAttribute(this.dial, 'aria-valuenow', String(chosen ?? 0));
    const words = chosen === null ? null : describePartition(picture, this.partitions, chosen);
    setAttribute(
      this.dial,
      'aria-valuetext',
      words ?? (length === 0 ? 'There is no ring yet' : 'None chosen'),
    );
    if (chosen === null) return setAttribute(this.needle, 'd', '');
    const segment = Math.floor(chosen / this.segments.each);
    const turn = (turnOf(segment, this.segments.count) + turnOf(segment + 1, this.segments.count)) / 2;
    const [fromX, fromY] = pointAt(turn, lanesInner - 6);
    const [toX, toY] = pointAt(turn, bandOuter + 8);
    setAttribute(this.needle, 'd', `M${fromX} ${fromY}L${toX} ${toY}`);
  }

  private keyPressed(event: KeyboardEvent): void {
    const last = this.partitions.length - 1;
    if (event.key === 'Escape') this.selection.pickPartition(null);
    if (last < 0) return;
    const now = this.selection.value.partition ?? -1;
    const next = nextPartition(event.key, now, last);
    if (next === null) return;
    event.preventDefault();
    this.selection.pickPartition(next);
  }

  private clicked(event: MouseEvent): void {
    const { left, top, width, height } = this.dial.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * 2 * center;
    const y = ((event.clientY - top) / height) * 2 * center;
    const segment = segmentAt(x, y, this.segments.count);
    const inMiddle = Math.hypot(x - center, y - center) < lanesInner - 10;
    this.selection.pickPartition(segment === null || inMiddle ? null : segment * this.segments.each);
  }
}

const sliderAttributes = {
  role: 'slider',
  tabindex: '0',
  'aria-label': 'Partition',
  'aria-valuemin': '0',
  'aria-valuemax': '0',
  'aria-valuenow': '0',
};

function legendItem(state: string, found: string, words: string): HTMLLIElement {
  const swatch = element('span', { class: `swatch ${state}`, 'aria-hidden': 'true' });
  return element('li', {}, swatch, element('b', {}, found), ` ${words}`);
}
