/**
 * One connection to find out whether the process at an address is there and answers; nothing else is said on
 * it.
 */
import { connect } from 'node:net';
import { FramedStream } from './framed-stream.js';
import { encodeHello, judgeAnswer, OtherVersionError, parseHello } from './handshake.js';
import type { StreamSettings } from './framed-stream.js';
import type { Self } from './handshake.js';
import type { Address } from './stream-dialer.js';

/** `refused`: nobody listens there. `silent`: no answer in time, or one from somebody else. */
export type ProbeOutcome = 'answered' | 'refused' | 'silent';

export function probeStream(
  address: Address,
  expectedId: string,
  options: { self: Self; settings: StreamSettings; timeoutMs: number },
  done: (outcome: ProbeOutcome) => void,
): void {
  let outcome: ProbeOutcome | null = null;
  const finish = (found: ProbeOutcome) => {
    if (outcome !== null) return;
    outcome = found;
    clearTimeout(timer);
    stream.close('stopped');
    done(found);
  };
  const timer = setTimeout(() => finish('silent'), options.timeoutMs);
  const socket = connect({ ...address, noDelay: true });
  // An error that proves nothing leaves the question open until the time is over.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') finish('refused');
  });
  const stream = new FramedStream(socket, options.settings, 'probe', {
    frame: (payload) => finish(isExpected(payload) ? 'answered' : 'silent'),
    closed: () => undefined,
  });
  stream.sendFrame(encodeHello(options.self, null));

  function isExpected(payload: Uint8Array): boolean {
    try {
      return judgeAnswer(options.self, parseHello(payload), expectedId) === null;
    } catch (error) {
      if (error instanceof OtherVersionError) return false;
      throw error;
    }
  }
}
