/** Walking around the ring by keyboard. */

const pageStep = 16;

/** Null for a key that moves nothing. */
export function nextPartition(key: string, now: number, last: number): number | null {
  const steps: Record<string, number> = {
    ArrowRight: now + 1,
    ArrowUp: now + 1,
    ArrowLeft: now - 1,
    ArrowDown: now - 1,
    PageUp: now + pageStep,
    PageDown: now - pageStep,
    Home: 0,
    End: last,
  };
  const next = steps[key];
  if (next === undefined) return null;
  return next > last ? 0 : next < 0 ? last : next;
}
