/**
 * Linearizability of every key, in n log n, by the versions that replies carry: a key's writes are ordered by
 * their versions, so it is enough that this order agrees with real time. A call stands at the version it
 * wrote or saw; whatever returned before another was invoked must not stand after it.
 *
 * What saw an absent key names no version. It stands at the first delete (or the beginning) that real time
 * allows; where a delete whose outcome is unknown may have come in between, anything goes, and the search
 * that trusts no version decides.
 */
import { present } from '../present.js';
import { preconditionMatches } from './precondition.js';
import type { Finding, HistoryCall, WriteCall } from './history.js';
import { byKey, compareVersions, isLinearizable, mergeTries, versionText } from './history.js';
import type { Version } from '../../../core/protocol/operation.js';

const beginning: Version = { epoch: 0, seq: 0 };

interface KnownWrite {
  version: Version;
  /** null for a delete. */
  value: string | null;
  call: WriteCall | null;
}

export function judgeVersions(history: readonly HistoryCall[]): Finding {
  for (const [key, calls] of byKey(history)) {
    const merged = mergeTries(calls);
    const finding = merged.finding ?? new KeyJudge(merged.calls).judge();
    if (finding !== undefined) return `key ${key}: ${finding}`;
  }
  return undefined;
}

class KeyJudge {
  private readonly writes: KnownWrite[] = [];
  private readonly byVersion = new Map<string, KnownWrite>();
  /** When the first write (and the first delete) was invoked whose outcome is unknown. */
  private firstUnknownAt = Infinity;
  private firstUnknownDeleteAt = Infinity;

  constructor(private readonly calls: readonly HistoryCall[]) {
    for (const { kind, result, invokedAt } of calls) {
      if (result.type !== 'unknown') continue;
      this.firstUnknownAt = Math.min(this.firstUnknownAt, invokedAt);
      if (kind === 'delete') this.firstUnknownDeleteAt = Math.min(this.firstUnknownDeleteAt, invokedAt);
    }
  }

  judge(): Finding {
    return this.collectWrites() ?? this.judgeValues() ?? this.judgeTime() ?? this.judgeStates();
  }

  /** All versions that anyone was told, each with the one thing that wrote it. */
  private collectWrites(): Finding {
    const known = this.byVersion;
    const byValue = new Map<string, WriteCall>();
    for (const call of this.calls) if (call.kind === 'put') byValue.set(call.value, call);
    for (const call of this.calls) {
      if (call.kind === 'read' || call.result.type !== 'applied') continue;
      const { version } = call.result;
      const text = versionText(version);
      if (known.has(text)) return `version ${text} was given to two writes`;
      known.set(text, { version, value: call.kind === 'put' ? call.value : null, call });
    }
    for (const call of this.calls) {
      if (call.kind !== 'read' || call.result.type !== 'found') continue;
      const { version, value } = call.result;
      const text = versionText(version);
      const writer = byValue.get(value);
      if (writer === undefined) return `read ${call.id} saw a value that nobody wrote: ${value}`;
      if (writer.result.type === 'notApplied') return `read ${call.id} saw ${value}, which was not applied`;
      if (writer.result.type === 'preconditionFailed')
        return `read ${call.id} saw ${value}, whose precondition failed`;
      const write = known.get(text);
      if (write === undefined) {
        if (writer.result.type === 'applied') {
          return `${value} was written as ${versionText(writer.result.version)} and read as ${text}`;
        }
        known.set(text, { version, value, call: writer });
      } else if (write.value !== value) {
        return `version ${text} was read as ${value} and written as ${write.value ?? 'a delete'}`;
      }
    }
    this.writes.push(...[...known.values()].sort((a, b) => compareVersions(a.version, b.version)));
    return undefined;
  }

  /** One value, one version. */
  private judgeValues(): Finding {
    const versions = new Map<string, Version>();
    for (const { value, version } of this.writes) {
      if (value === null) continue;
      const other = versions.get(value);
      if (other !== undefined) {
        return `${value} was applied twice: as ${versionText(other)} and ${versionText(version)}`;
      }
      versions.set(value, version);
    }
    return undefined;
  }

  private judgeTime(): Finding {
    const events: { at: number; call: HistoryCall; returns: boolean }[] = [];
    for (const call of this.calls) {
      if (!isLinearizable(call) || call.returnedAt === Infinity) continue;
      events.push({ at: call.invokedAt, call, returns: false }, { at: call.returnedAt, call, returns: true });
    }
    // At one moment invocations come first: such calls count as concurrent.
    events.sort((a, b) => a.at - b.at || Number(a.returns) - Number(b.returns));
    let floor = beginning;
    const floors = new Map<HistoryCall, Version>();
    for (const { call, returns } of events) {
      if (!returns) {
        floors.set(call, floor);
        continue;
      }
      const least = floors.get(call) ?? beginning;
      const position = this.positionOf(call, least);
      if (typeof position === 'string') return position;
      if (position !== null && compareVersions(position, floor) > 0) floor = position;
    }
    return undefined;
  }

  /**
   * Where the call stands, at or after `least`; null if it says nothing; a text if it cannot stand anywhere.
   */
  private positionOf(call: HistoryCall, least: Version): Version | string | null {
    const { result } = call;
    switch (result.type) {
      case 'applied': {
        if (compareVersions(result.version, least) > 0) return result.version;
        return `write ${call.id} became ${versionText(result.version)} after ${versionText(least)} was answered`;
      }
      case 'found':
        return this.positionOfSeen(call, result.version, least);
      case 'preconditionFailed':
        if (result.current !== null) return this.positionOfSeen(call, result.current, least);
        return this.positionOfAbsent(call, least);
      case 'missing':
      case 'absent':
        return this.positionOfAbsent(call, least);
      default:
        return null;
    }
  }

  private positionOfSeen(call: HistoryCall, version: Version, least: Version): Version | string {
    const text = versionText(version);
    if (compareVersions(version, least) < 0) {
      return `call ${call.id} saw ${text} after ${versionText(least)} was answered`;
    }
    const writer = this.byVersion.get(text)?.call ?? null;
    if (writer !== null && writer.invokedAt > call.returnedAt) {
      return `call ${call.id} saw ${text} before it was written`;
    }
    return version;
  }

  private positionOfAbsent(call: HistoryCall, least: Version): Version | string | null {
    if (this.firstUnknownDeleteAt <= call.returnedAt) return null;
    const at = this.indexAfter(least);
    const before = this.writes[at - 1];
    if ((before?.value ?? null) === null) return least;
    const next = this.writes.slice(at).find((write) => write.value === null);
    if (next === undefined)
      return `call ${call.id} saw the key absent after ${versionText(least)} was answered`;
    if (next.call !== null && next.call.invokedAt > call.returnedAt) {
      return `call ${call.id} saw the key absent before it was deleted`;
    }
    return next.version;
  }

  /** How many known writes have a version up to this one. */
  private indexAfter(version: Version): number {
    let low = 0;
    let high = this.writes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareVersions(present(this.writes[middle]).version, version) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** What a write says of the state before it has to fit the write before it. */
  private judgeStates(): Finding {
    for (const [index, write] of this.writes.entries()) {
      const { call } = write;
      if (call?.result.type !== 'applied') continue;
      const before = this.writes[index - 1];
      const wasAbsent = before === undefined || before.value === null;
      const current = wasAbsent ? null : before.version;
      // Otherwise a write whose outcome is unknown may stand right before this one.
      if (this.firstUnknownAt > call.returnedAt) {
        if (call.kind === 'put' && call.result.created !== wasAbsent) {
          return `write ${call.id} says ${call.result.created ? 'created' : 'replaced'} after ${versionText(current)}`;
        }
        if (!preconditionMatches(call.precondition, current)) {
          return `write ${call.id} was applied against its precondition, after ${versionText(current)}`;
        }
      }
    }
    for (const call of this.calls) {
      if (call.kind === 'read' || call.result.type !== 'preconditionFailed') continue;
      const { current } = call.result;
      if (preconditionMatches(call.precondition, current)) {
        return `write ${call.id} failed although its precondition holds for ${versionText(current)}`;
      }
      const seen = current === null ? undefined : this.byVersion.get(versionText(current));
      if (call.kind === 'put' && seen?.value === call.value) {
        return `request ${call.id} failed because its own first try had been applied`;
      }
      if (seen?.value === null) return `write ${call.id} saw the version of a delete`;
    }
    return undefined;
  }
}
