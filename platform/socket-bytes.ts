/**
 * The bytes that arrive on a socket, read into one buffer that all sockets of the process share. Node gives
 * every read a buffer of 64 KiB of its own and passes it through a stream; with small requests that is a
 * tenth of a server's time. It can read into a buffer that it is given, but says so only for sockets that are
 * opened here (`onread`), not for accepted ones. Those are told in the same way, by the fields behind that
 * option, and only in releases of Node that this was tried on: in any other the bytes come as events.
 */
import type { Socket } from 'node:net';

const triedReleases: ReadonlySet<string> = new Set(['20', '24']);
const isTried = triedReleases.has(process.versions.node.split('.')[0] ?? '');
const bufferBytes = 64 * 1024;
const shared = Buffer.alloc(bufferBytes);

/** How often something has arrived, on any socket: what comes close together is worth handling together. */
export const arrivals = { count: 0 };

interface ReadingHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

type Fields = Record<symbol, unknown>;

/** Of one socket; `release` hands what still comes to the socket's own readers. */
export interface SocketBytes {
  release(): void;
}

/**
 * Gives `onBytes` what arrives from now on; what it is given is overwritten after it has returned. To be
 * called in the turn in which the socket was accepted or its opening begun.
 */
export function receiveBytes(socket: Socket, onBytes: (bytes: Buffer) => void): SocketBytes {
  let isReleased = false;
  const countedBytes = (bytes: Buffer) => {
    arrivals.count += 1;
    onBytes(bytes);
  };
  const install = () => {
    const isShared = readIntoShared(socket, (count) => {
      const bytes = shared.subarray(0, count);
      arrivals.count += 1;
      if (isReleased) return socket.push(Buffer.from(bytes));
      onBytes(bytes);
      return true;
    });
    if (!isShared) socket.on('data', countedBytes);
  };
  // A connection that is being opened may try several addresses, with a handle each.
  if (socket.connecting) socket.once('connect', install);
  else install();
  return {
    release() {
      isReleased = true;
      socket.off('data', countedBytes);
    },
  };
}

/** False if this release of Node may do it differently. `onCount` answers whether to go on reading. */
function readIntoShared(socket: Socket, onCount: (count: number) => boolean): boolean {
  if (!isTried) return false;
  const symbols = new Map(Object.getOwnPropertySymbols(socket).map((symbol) => [symbol.description, symbol]));
  const buffer = symbols.get('kBuffer');
  const callback = symbols.get('kBufferCb');
  const { _handle: handle } = socket as unknown as { _handle: Partial<ReadingHandle> | null };
  if (buffer === undefined || callback === undefined || handle?.useUserBuffer === undefined) return false;
  const fields = socket as unknown as Fields;
  fields[buffer] = shared;
  fields[callback] = onCount;
  handle.useUserBuffer(shared);
  return true;
}
