/**
 * Linearizability of every key, trusting no version: a search for an order of all calls that fits real time
 * and what each call answered (Wing and Gong 1993, with the cache of Lowe 2017). Versions are used only as
 * names of values that a client had been shown. A search that is not over within its bound is a finding, not
 * a pass.
 */
import { present } from '../present.js';
import type { Finding, HistoryCall, WriteCall } from './history.js';
import { byKey, isLinearizable, mergeTries, versionText } from './history.js';

/** The value of the key; null if absent. */
type State = string | null;

interface Step {
  id: number;
  invokedAt: number;
  returnedAt: number;
  /** Need not have happened. */
  optional: boolean;
  /** The state after the step; undefined if the step cannot happen in this state. */
  apply(state: State): State | undefined;
}

export const searchStepsMax = 400_000;

export function judgeBySearch(history: readonly HistoryCall[], stepsMax = searchStepsMax): Finding {
  for (const [key, calls] of byKey(history)) {
    const merged = mergeTries(calls).calls;
    const names = namesOf(merged);
    const relevant = merged.filter((call) => isLinearizable(call));
    // Writes of unknown outcome whose values nobody saw explain something only rarely: first without them.
    let found = search(stepsOf(relevant, names, false), stepsMax);
    if (found !== 'found') found = search(stepsOf(relevant, names, true), stepsMax);
    if (found === 'none') return `key ${key}: no order of its ${relevant.length} calls explains the answers`;
    if (found === 'bound')
      return `key ${key}: no order of its ${relevant.length} calls found in ${stepsMax} steps`;
  }
  return undefined;
}

/** Values by the versions under which clients were shown them. */
function namesOf(calls: readonly HistoryCall[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const call of calls) {
    if (call.kind === 'put' && call.result.type === 'applied') {
      names.set(versionText(call.result.version), call.value);
    } else if (call.kind === 'read' && call.result.type === 'found') {
      names.set(versionText(call.result.version), call.result.value);
    }
  }
  return names;
}

function stepsOf(calls: readonly HistoryCall[], names: Map<string, string>, withUnseen: boolean): Step[] {
  const seenAt = new Map<string, number>();
  const see = (value: string | undefined, at: number) => {
    if (value !== undefined) seenAt.set(value, Math.min(at, seenAt.get(value) ?? Infinity));
  };
  for (const { result, returnedAt } of calls) {
    if (result.type === 'found') see(result.value, returnedAt);
    if (result.type !== 'preconditionFailed' || result.current === null) continue;
    see(names.get(versionText(result.current)), returnedAt);
  }
  const steps: Step[] = [];
  for (const call of calls) {
    const step = call.kind === 'read' ? readStep(call) : writeStep(call, names);
    if (step === null) continue;
    if (call.kind === 'put' && call.result.type === 'unknown') {
      const at = seenAt.get(call.value);
      // It has happened by the time someone saw its value.
      if (at !== undefined) Object.assign(step, { returnedAt: at, optional: false });
      else if (!withUnseen) continue;
    }
    steps.push(step);
  }
  return steps;
}

function readStep(call: HistoryCall): Step | null {
  const { result, id, invokedAt, returnedAt } = call;
  const step = { id, invokedAt, returnedAt, optional: false };
  if (result.type === 'found') {
    const { value } = result;
    return { ...step, apply: (state) => (state === value ? state : undefined) };
  }
  if (result.type === 'missing') return { ...step, apply: (state) => (state === null ? state : undefined) };
  return null;
}

function writeStep(call: WriteCall, names: Map<string, string>): Step | null {
  const { result, id, invokedAt, returnedAt } = call;
  const after = call.kind === 'put' ? call.value : null;
  const fits = (state: State) => preconditionFits(call, state, names);
  const step = { id, invokedAt, returnedAt, optional: false };
  switch (result.type) {
    case 'applied': {
      const { created } = result;
      return {
        ...step,
        apply: (state) => {
          if (call.kind === 'put' && created !== (state === null)) return undefined;
          if (call.kind === 'delete' && state === null) return undefined;
          return fits(state) ? after : undefined;
        },
      };
    }
    case 'unknown':
      return {
        ...step,
        returnedAt: Infinity,
        optional: true,
        apply: (state) => (fits(state) && (call.kind === 'put' || state !== null) ? after : undefined),
      };
    case 'preconditionFailed': {
      const current = result.current === null ? null : names.get(versionText(result.current));
      return {
        ...step,
        apply: (state) => {
          if (current !== undefined && state !== current) return undefined;
          if (current === undefined && state === null) return undefined;
          return fits(state) ? undefined : state;
        },
      };
    }
    case 'absent':
      return { ...step, apply: (state) => (state === null && fits(state) ? state : undefined) };
    default:
      return null;
  }
}

function preconditionFits(call: WriteCall, state: State, names: Map<string, string>): boolean {
  const { type, versions } = call.precondition;
  if (type === 'none') return true;
  const named =
    state !== null &&
    (versions === null || versions.some((version) => names.get(versionText(version)) === state));
  return type === 'ifMatch' ? named : !named;
}

interface Frame {
  step: number;
  stateBefore: State;
}

/**
 * Depth first over the steps in the order of their invocation; `done` marks what stands in the order already.
 */
function search(unsorted: readonly Step[], stepsMax: number): 'found' | 'none' | 'bound' {
  const steps = [...unsorted].sort((a, b) => a.invokedAt - b.invokedAt || a.returnedAt - b.returnedAt);
  const count = steps.length;
  const done = new Uint8Array(count);
  let required = steps.filter((step) => !step.optional).length;
  const seen = new Set<string>();
  const stack: Frame[] = [];
  let state: State = null;
  let candidate = 0;
  for (let tried = 0; required > 0;) {
    const horizon = earliestReturn(steps, done);
    let advanced = false;
    for (; candidate < count; candidate += 1) {
      const step = present(steps[candidate]);
      if (step.invokedAt > horizon) break;
      if (done[candidate] === 1) continue;
      if ((tried += 1) > stepsMax) return 'bound';
      const after = step.apply(state);
      if (after === undefined) continue;
      done[candidate] = 1;
      const signature = `${fingerprint(done)} ${after ?? ''}`;
      if (seen.has(signature)) {
        done[candidate] = 0;
        continue;
      }
      seen.add(signature);
      stack.push({ step: candidate, stateBefore: state });
      state = after;
      if (!step.optional) required -= 1;
      advanced = true;
      break;
    }
    if (advanced) {
      candidate = 0;
      continue;
    }
    const undone = stack.pop();
    if (undone === undefined) return 'none';
    done[undone.step] = 0;
    if (!present(steps[undone.step]).optional) required += 1;
    state = undone.stateBefore;
    candidate = undone.step + 1;
  }
  return 'found';
}

/**
 * Nothing invoked after this may come next: something that is not in the order yet has returned before it.
 */
function earliestReturn(steps: readonly Step[], done: Uint8Array): number {
  let earliest = Infinity;
  for (let index = 0; index < steps.length; index += 1) {
    const step = present(steps[index]);
    if (step.invokedAt > earliest) break;
    if (done[index] === 0 && step.returnedAt < earliest) earliest = step.returnedAt;
  }
  return earliest;
}

/** Steps that are done, as text: the length of the leading run, then the rest. */
function fingerprint(done: Uint8Array): string {
  let lead = 0;
  while (lead < done.length && done[lead] === 1) lead += 1;
  let last = done.length;
  while (last > lead && done[last - 1] === 0) last -= 1;
  let text = String(lead);
  for (let index = lead; index < last; index += 1) text += done[index] === 1 ? '+' : '-';
  return text;
}
