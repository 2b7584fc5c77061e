/**
 * Beats: moments that all processes of a machine have in common, by its wall clock. What can wait for one
 * wakes a process together with the rest of what it does, and with what others send it on the same beat: an
 * idle process pays for each time that it wakes. Nothing rests on beats being common, nor on their number.
 * The price is that on each beat all of them want the processor at once.
 */

/**
 * Milliseconds until a beat: between a quarter of the period and one and a quarter, so that a timer that
 * fires a little early does not do the same beat twice.
 */
export function msToBeat(everyMs: number, wall = Date.now()): number {
  const left = everyMs - (wall % everyMs);
  return left < everyMs / 4 ? left + everyMs : left;
}

/** Runs on each beat, or on the one after if it is late, until the function that it returns is called. */
export function onBeats(run: () => void, everyMs: number): () => void {
  let timer = setTimeout(beat, msToBeat(everyMs));
  function beat(): void {
    timer = setTimeout(beat, msToBeat(everyMs));
    run();
  }
  return () => clearTimeout(timer);
}
