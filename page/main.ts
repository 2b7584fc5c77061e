/** The live page: takes pictures from the stream and lets each part draw what concerns it. */
import type { ClusterPicture, PartitionPicture } from '../core/picture/cluster-picture.js';
import { parsePartition } from '../core/picture/partition-text.js';
import { Connection } from './connection.js';
import { EventList } from './event-list.js';
import { HeadView } from './head-view.js';
import { KeyLookup } from './key-lookup.js';
import { LatencyView } from './latency-view.js';
import { RingView } from './ring-view.js';
import { SelectionStore } from './selection.js';
import { WorkList } from './work-list.js';
import { WorkerTable } from './worker-table.js';

const clockMs = 1_000;

const selection = new SelectionStore(() => schedule());
const head = new HeadView();
const ring = new RingView(selection);
const lookup = new KeyLookup(selection);
const workers = new WorkerTable(selection);
const latency = new LatencyView();
const works = new WorkList();
const events = new EventList();

let newest: ClusterPicture | null = null;
let drawn: ClusterPicture | null = null;
let drawnSelection = selection.value;
let partitions: PartitionPicture[] = [];
let scheduled = false;

const connection = new Connection(
  (picture) => {
    newest = picture;
    schedule();
  },
  () => drawLink(),
);

/** Several pictures before the next frame are drawn as one. */
function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    if (newest !== null) draw(newest);
  });
}

function draw(picture: ClusterPicture): void {
  const before = drawn;
  const picked = selection.value !== drawnSelection;
  drawn = picture;
  drawnSelection = selection.value;
  const ringChanged = before?.partitions !== picture.partitions;
  const workersChanged = before?.workers !== picture.workers;
  const headChanged = before?.head !== picture.head;
  if (ringChanged) partitions = picture.partitions.map(parsePartition);
  if (headChanged) {
    head.render(picture);
    drawLink();
  }
  if (ringChanged || workersChanged || headChanged || picked) {
    ring.render(picture, partitions, ringChanged || headChanged);
    lookup.render(picture, partitions);
  }
  if (workersChanged || picked || before.ages !== picture.ages) workers.render(picture);
  if (headChanged || before.works !== picture.works) works.render(picture);
  if (before?.latency !== picture.latency || before.events !== picture.events) latency.render(picture);
  if (before?.events !== picture.events) events.render(picture);
}

function drawLink(): void {
  const { heardAt, state } = connection;
  head.renderLink(state, heardAt === null ? null : performance.now() - heardAt, newest);
}

setInterval(() => {
  if (connection.state !== 'live') drawLink();
  else if (newest !== null) latency.render(newest);
}, clockMs);
connection.open();
