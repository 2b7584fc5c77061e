/** Binding a server to its address, with an error that a person can act on. */
import type { AddressInfo, Server } from 'node:net';

/** Resolves with the port; rejects with an Error that says what to change. */
export function listenOn(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(addressError(error, host, port));
    server.once('error', failed);
    server.listen({ host, port, backlog: 511 }, () => {
      server.off('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

export function addressError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = `${host}:${port}`;
  const reasons: Record<string, string> = {
    EADDRINUSE: `${where} is in use by another process`,
    EACCES: `${where} may not be used by this user`,
    EADDRNOTAVAIL: `${where} is no address of this machine`,
  };
  return new Error(reasons[error.code ?? ''] ?? `${where} cannot be used: ${error.message}`, {
    cause: error,
  });
}
