/** The workers, a row each: what they hold, how they lag, what room they have, and when they were heard. */
import type { ClusterPicture, WorkerPicture, WorkerState } from '../core/picture/cluster-picture.js';
import { byId, drawing, element, setAttribute, setChildren, setText } from './dom.js';
import type { SelectionStore } from './selection.js';
import { bytes, count, duration, listed, minus, workerWords } from './words.js';

/** Shapes beside the words: a disc that is full, half, hollow, crossed. */
const glyphs: Record<WorkerState, string> = {
  ready: 'M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12Z',
  starting:
    'M8 2.8a5.2 5.2 0 1 1 0 10.4a5.2 5.2 0 1 1 0-10.4ZM8 4.6a3.4 3.4 0 1 0 0 6.8a3.4 3.4 0 1 0 0-6.8Z',
  suspected: 'M8 1.5L15 14.2H1ZM7.2 6h1.6v4H7.2ZM7.2 11h1.6v1.6H7.2Z',
  lost: 'M3.6 2L8 6.4L12.4 2L14 3.6L9.6 8L14 12.4L12.4 14L8 9.6L3.6 14L2 12.4L6.4 8L2 3.6Z',
  leaving: 'M2 7h7V3.4L14.4 8L9 12.6V9H2Z',
  draining: 'M7 2h2v7h3.6L8 14.4L3.4 9H7Z',
};

const columns = ['worker', 'state', 'primaries', 'replicas', 'lag', 'writes', 'disk', 'heard'] as const;
type Column = (typeof columns)[number];

const titles: Record<Column, string> = {
  worker: 'Worker',
  state: 'State',
  primaries: 'Primaries',
  replicas: 'Replicas',
  lag: 'Lag',
  writes: 'Writes/s',
  disk: 'Disk',
  heard: 'Heard',
};

interface Row {
  row: HTMLTableRowElement;
  cells: Record<Column, HTMLTableCellElement>;
  name: HTMLButtonElement;
  glyph: SVGPathElement;
  word: HTMLSpanElement;
}

export class WorkerTable {
  private readonly body = element('tbody', { role: 'rowgroup' });
  private readonly rows = new Map<string, Row>();

  constructor(private readonly selection: SelectionStore) {
    const heads = columns.map((column) =>
      element('th', { scope: 'col', role: 'columnheader', class: column }, titles[column]),
    );
    const head = element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...heads));
    const caption = element(
      'caption',
      { class: 'unseen' },
      'Workers; choose one to see its lane on the ring',
    );
    byId('worker-table').append(element('table', { role: 'table' }, caption, head, this.body));
  }

  render({ workers, ages, head }: ClusterPicture): void {
    const names = new Set(workers.map(({ id }) => id));
    for (const id of this.rows.keys()) if (!names.has(id)) this.rows.delete(id);
    const most = {
      primaries: Math.max(1, ...workers.map(({ primaries }) => primaries)),
      replicas: Math.max(1, ...workers.map(({ replicas }) => replicas)),
    };
    workers.forEach((worker, index) => {
      const row = this.rowOf(worker.id);
      this.fill(row, worker, most);
      const age = ages[index] ?? null;
      setText(row.cells.heard, age === null ? minus : `${duration(age)} ago`);
      row.cells.heard.classList.toggle('late', age !== null && age > head.suspicionMs);
    });
    setChildren(
      this.body,
      workers.map(({ id }) => this.rowOf(id).row),
    );
    setText(byId('workers-note'), summary(workers));
  }

  private fill(row: Row, worker: WorkerPicture, most: { primaries: number; replicas: number }): void {
    const { cells } = row;
    row.row.dataset.state = worker.state;
    setText(row.name, worker.id);
    setAttribute(row.name, 'title', [worker.url, worker.zone].filter((text) => text !== '').join(', zone '));
    setAttribute(row.name, 'aria-pressed', String(this.selection.value.worker === worker.id));
    setAttribute(row.glyph, 'd', glyphs[worker.state]);
    setText(row.word, worker.diskFull ? 'disk full' : workerWords[worker.state]);
    bar(cells.primaries, worker.primaries, most.primaries);
    bar(cells.replicas, worker.replicas, most.replicas);
    setText(cells.lag, lagOf(worker));
    cells.lag.classList.toggle('late', worker.behind > 0 && worker.state !== 'lost');
    setText(cells.writes, worker.writesPerSecond === null ? minus : count(worker.writesPerSecond));
    const { disk } = worker;
    setText(cells.disk, disk === null ? minus : `${bytes(disk.used)}, ${bytes(disk.free)} free`);
    cells.disk.classList.toggle('late', worker.diskFull);
  }

  private rowOf(id: string): Row {
    const known = this.rows.get(id);
    if (known !== undefined) return known;
    const name = element('button', { type: 'button', class: 'pick' });
    name.addEventListener('click', () => this.selection.pickWorker(id));
    const glyph = drawing('path');
    const picture = drawing('svg', { viewBox: '0 0 16 16', class: 'glyph', 'aria-hidden': 'true' }, glyph);
    const word = element('span');
    const cells = Object.fromEntries(
      columns.map((column) => [
        column,
        element('td', { role: 'cell', class: column, 'data-title': titles[column] }),
      ]),
    ) as Record<Column, HTMLTableCellElement>;
    cells.worker.append(name);
    cells.state.append(picture, word);
    const row: Row = {
      row: element('tr', { role: 'row' }, ...Object.values(cells)),
      cells,
      name,
      glyph,
      word,
    };
    this.rows.set(id, row);
    return row;
  }
}

function lagOf({ state, behind, lagEntries }: WorkerPicture): string {
  if (state === 'lost' || state === 'starting') return minus;
  if (behind === 0) return lagEntries === 0 ? 'level' : count(lagEntries);
  return `${count(behind)} behind`;
}

/** A number above a bar that shows its share of the largest. */
function bar(cell: HTMLTableCellElement, value: number, most: number): void {
  let inner = cell.querySelector('span');
  if (inner === null) {
    inner = element('span', { class: 'bar' });
    cell.append(inner);
  }
  setText(inner, count(value));
  inner.style.setProperty('--share', `${Math.round((100 * value) / most)}%`);
}

function summary(workers: readonly WorkerPicture[]): string {
  if (workers.length === 0) return 'none known yet';
  const ready = workers.filter(({ state }) => state === 'ready').length;
  const missing = workers.filter(({ state }) => state === 'lost').map(({ id }) => id);
  const lost = missing.length === 0 ? '' : `; ${listed(missing.slice(0, 3))} lost`;
  return `${ready} of ${workers.length} ready${lost}`;
}
