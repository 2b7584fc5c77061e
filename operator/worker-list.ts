/** A list of workers as text, for the command line, the environment and the file. */
import { SettingError } from '../platform/configuration/setting.js';
import type { ExpectedWorker } from './ports.js';

const form = 'ID@HOST:PEERPORT:CLIENTPORT[/ZONE]';

/** `worker-1@127.0.0.1:7501:7401/zone-a`. Throws SettingError. */
export function parseWorker(text: string): ExpectedWorker {
  const parts =
    /^([\w.-]{1,128})@(\[[\da-fA-F:.]+\]|[\w.-]{1,255}):(\d{1,5}):(\d{1,5})(?:\/([\w.-]{1,128}))?$/.exec(
      text,
    );
  if (parts === null) throw new SettingError(`must hold items such as ${form}, not '${text}'`);
  const [, id = '', host = '', peerPort, clientPort, zone = ''] = parts;
  const worker = { id, host, peerPort: Number(peerPort), clientPort: Number(clientPort), zone };
  if (Math.max(worker.peerPort, worker.clientPort) > 65_535) {
    throw new SettingError(`must hold ports up to 65535, not '${text}'`);
  }
  return { ...worker, ready: null, wish: 'stay' };
}

export function formatWorker(worker: ExpectedWorker): string {
  const zone = worker.zone === '' ? '' : `/${worker.zone}`;
  return `${worker.id}@${worker.host}:${worker.peerPort}:${worker.clientPort}${zone}`;
}
