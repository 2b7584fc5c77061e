/**
 * Where the samples of V8's profiles fell: by part of the program (the file that a function stands in) and by
 * function. Native work counts for the function that called it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}

interface CpuProfile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

export interface Share {
  name: string;
  micros: number;
}

export interface ThreadProfile {
  /** All samples in which the thread did anything, waiting in a system call included. */
  busyMicros: number;
  parts: Share[];
  functions: Share[];
}

/** Kept apart from the program's parts. */
const idleNames = new Set(['(idle)', '(root)']);

function partOf({ functionName, url }: ProfileNode['callFrame']): string {
  const own = /\/dist\/(.+)\.js$/.exec(url)?.[1];
  if (own !== undefined) return own;
  const dependency = /\/node_modules\/([^/]+)\//.exec(url)?.[1];
  if (dependency !== undefined) return dependency;
  if (url.startsWith('node:')) return url;
  return functionName.startsWith('(') ? functionName : 'native';
}

function sorted(sums: ReadonlyMap<string, number>): Share[] {
  return [...sums].map(([name, micros]) => ({ name, micros })).sort((a, b) => b.micros - a.micros);
}

/** All profiles of one kind of thread together. */
export function summarize(folder: string, thread: string): ThreadProfile {
  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  let busyMicros = 0;
  const files = readdirSync(folder).filter(
    (file) => file.includes(`-${thread}-`) && file.endsWith('.cpuprofile'),
  );
  for (const file of files) {
    const profile = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as CpuProfile;
    const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
    profile.samples.forEach((id, index) => {
      const frame = frames.get(id);
      if (frame === undefined || idleNames.has(frame.functionName)) return;
      const micros = Math.max(0, profile.timeDeltas[index + 1] ?? 0);
      busyMicros += micros;
      const part = partOf(frame);
      const label = `${frame.functionName === '' ? '(anonymous)' : frame.functionName} in ${part}`;
      parts.set(part, (parts.get(part) ?? 0) + micros);
      functions.set(label, (functions.get(label) ?? 0) + micros);
    });
  }
  return { busyMicros, parts: sorted(parts), functions: sorted(functions) };
}
