/**
 * Where things are on the dial: clockwise from just right of the top, where a gap has room for the names of
 * the lanes. Angles in turns: 0 at the top, 0.25 to the right.
 */

export const center = 200;
/** How much of the circle the gap at the top takes. */
export const gap = 0.03;
/** More segments than this could not be told apart: several partitions share one. */
export const segmentsMax = 512;

export interface Segments {
  count: number;
  /** How many partitions each one stands for. */
  each: number;
}

/** `partitionCount` is a power of two. */
export function segmentsOf(partitionCount: number): Segments {
  const each = Math.max(1, Math.ceil(partitionCount / segmentsMax));
  return { count: Math.ceil(partitionCount / each), each };
}

/** Where segment `index` begins; that of `count` is where the last one ends. */
export function turnOf(index: number, count: number): number {
  return gap / 2 + (1 - gap) * (count === 0 ? 0 : index / count);
}

/** The segment at a point of the dial; null in the gap and where there is none. */
export function segmentAt(x: number, y: number, count: number): number | null {
  const angle = Math.atan2(x - center, center - y) / (2 * Math.PI);
  const turn = angle < 0 ? angle + 1 : angle;
  const index = Math.floor(((turn - gap / 2) / (1 - gap)) * count);
  return index >= 0 && index < count ? index : null;
}

export function pointAt(turn: number, radius: number): [x: number, y: number] {
  const angle = 2 * Math.PI * turn;
  return [round(center + radius * Math.sin(angle)), round(center - radius * Math.cos(angle))];
}

/** A line along the circle. */
export function arc(from: number, to: number, radius: number): string {
  const [startX, startY] = pointAt(from, radius);
  const [endX, endY] = pointAt(to, radius);
  const large = to - from > 0.5 ? 1 : 0;
  return `M${startX} ${startY}A${radius} ${radius} 0 ${large} 1 ${endX} ${endY}`;
}

/** A piece of a ring, between two radii. */
export function band(from: number, to: number, inner: number, outer: number): string {
  const large = to - from > 0.5 ? 1 : 0;
  const [a, b] = pointAt(from, outer);
  const [c, d] = pointAt(to, outer);
  const [e, f] = pointAt(to, inner);
  const [g, h] = pointAt(from, inner);
  return (
    `M${a} ${b}A${outer} ${outer} 0 ${large} 1 ${c} ${d}` +
    `L${e} ${f}A${inner} ${inner} 0 ${large} 0 ${g} ${h}Z`
  );
}

export interface Run {
  from: number;
  /** The first one that does not belong to it. */
  to: number;
}

/** Neighbours for which `holds` is true, together. */
export function runsOf(length: number, holds: (index: number) => boolean): Run[] {
  const runs: Run[] = [];
  let from = -1;
  for (let index = 0; index <= length; index += 1) {
    const inside = index < length && holds(index);
    if (inside && from < 0) from = index;
    if (!inside && from >= 0) {
      runs.push({ from, to: index });
      from = -1;
    }
  }
  return runs;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
