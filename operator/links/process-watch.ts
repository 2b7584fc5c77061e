/**
 * Tells at once when another process on the network has ended: a connection to it stands open with nothing
 * said on it; when that breaks, the next one is refused if nobody listens there any more. Silence proves
 * nothing, nor does a refusal where no connection was ever taken: something between may refuse them all.
 *
 *   waiting --> connecting --> open --(it breaks)--> connecting again --(refused)--> ended
 *      ^____________|___________________________________|  anything else
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Address } from '../ports.js';

const retryMs = 1_000;
const connectTimeoutMs = 1_000;

/** Calls `ended` once at most. Answers the function that ends the watch. */
export function watchProcess(address: Address, ended: () => void): () => void {
  let socket: Socket | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isOver = false;
  let wasOpen = false;
  const stop = () => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
    socket?.destroy();
  };
  const dial = () => {
    let code: string | undefined;
    let openedAt: number | null = null;
    const tried = connect(address);
    socket = tried;
    tried.setTimeout(connectTimeoutMs, () => tried.destroy());
    tried.on('connect', () => {
      wasOpen = true;
      openedAt = performance.now();
      tried.setTimeout(0);
      // What it says, if anything, is of no interest; unread it would hide the end.
      tried.resume();
    });
    tried.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    tried.on('close', () => {
      if (isOver) return;
      // At once, but not again and again: something between may take every connection and end it.
      if (openedAt !== null && performance.now() - openedAt >= retryMs) return dial();
      if (wasOpen && code === 'ECONNREFUSED') {
        stop();
        return ended();
      }
      timer = setTimeout(dial, retryMs);
    });
  };
  dial();
  return stop;
}
