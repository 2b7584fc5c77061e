/** Processor time of each thread of the workers, from the kernel's books. */
import { readdirSync, readFileSync } from 'node:fs';

/** Microseconds by the name of the thread, over all processes. */
export type ThreadTimes = Map<string, { userAndSystem: number; threads: number }>;

interface KnownThread {
  pid: number;
  name: string;
  tid: number;
}

/** What the recorders have said of their threads. */
function knownThreads(folder: string): KnownThread[] {
  return readdirSync(folder).flatMap((file) => {
    const [, pid, name = '', tid] = /^(\d+)-(.+)-(\d+)\.tid$/.exec(file) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), name, tid: Number(tid) }];
  });
}

/** Nanoseconds on a processor so far; 0 for a thread that has ended. */
function threadNanos(pid: number, tid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    return 0;
  }
}

/** So far. Threads of V8 and libuv, which no recorder runs in, are summed as `others`. */
export function threadTimes(folder: string, pids: readonly number[]): ThreadTimes {
  const names = new Map(knownThreads(folder).map(({ pid, tid, name }) => [`${pid}/${tid}`, name]));
  const times: ThreadTimes = new Map();
  for (const pid of pids) {
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const name = names.get(`${pid}/${tid}`) ?? 'others';
      const held = times.get(name) ?? { userAndSystem: 0, threads: 0 };
      held.userAndSystem += threadNanos(pid, Number(tid)) / 1_000;
      held.threads += 1;
      times.set(name, held);
    }
  }
  return times;
}

export function difference(before: ThreadTimes, after: ThreadTimes): ThreadTimes {
  return new Map(
    [...after].map(([name, { userAndSystem, threads }]) => {
      const earlier = before.get(name)?.userAndSystem ?? 0;
      return [name, { userAndSystem: Math.max(0, userAndSystem - earlier), threads }];
    }),
  );
}
