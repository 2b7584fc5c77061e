/**
 * Loaded into every thread of a process that is to be profiled (`node --import`). SIGUSR2 starts and stops
 * V8's sampling profiler on all threads at once; each writes its profile, and says which kernel thread it is,
 * so that the processor time of the kernel's books can be told apart by thread.
 *
 *   PROFILE_FOLDER/<pid>-<thread>-<tid>.tid          at once: the thread is there
 *   PROFILE_FOLDER/<pid>-<thread>-<tid>.cpuprofile   after the second signal
 */
import { readlinkSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import path from 'node:path';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

const samplingMicros = 200;
const folder = process.env.PROFILE_FOLDER;

function record(target: string): void {
  const program = path.basename(process.argv[1] ?? 'node', '.js');
  const thread = isMainThread ? 'main' : program;
  const tid = path.basename(readlinkSync('/proc/thread-self'));
  const file = path.join(target, `${process.pid}-${thread}-${tid}`);
  writeFileSync(`${file}.tid`, '');
  let session: Session | null = null;
  const toggle = () => {
    if (session === null) {
      session = new Session();
      session.connect();
      session.post('Profiler.enable');
      session.post('Profiler.setSamplingInterval', { interval: samplingMicros });
      session.post('Profiler.start');
      return;
    }
    const stopped = session;
    session = null;
    stopped.post('Profiler.stop', (_error, { profile }) => {
      writeFileSync(`${file}.cpuprofile`, JSON.stringify(profile));
      stopped.disconnect();
    });
  };
  const channel = new BroadcastChannel('kvorum profile');
  channel.unref();
  if (isMainThread) {
    process.on('SIGUSR2', () => {
      channel.postMessage(null);
      toggle();
    });
  } else {
    channel.onmessage = toggle;
  }
}

if (folder !== undefined) record(folder);
