/** What the controller notes, as events for people, and the one that says that all is well again. */
import type { PartitionCounts } from '../../core/control/cluster-status.js';
import type { ControllerNote } from '../controller.js';
import type { Timers } from '../ports.js';
import { NoteGatherer } from './note-gatherer.js';
import type { TellEvent } from './note-gatherer.js';
import { RecoveryWatch } from './recovery-watch.js';

export interface EventFacts {
  /** Null while there is no ring, or this process does not know it. */
  counts: () => PartitionCounts | null;
  /** Somebody misses that worker: one that has never been there yet is not lost. */
  isMissed: (worker: string) => boolean;
}

export class ClusterEvents {
  private readonly gatherer: NoteGatherer;
  private readonly recovery: RecoveryWatch;

  constructor(
    timers: Timers,
    private readonly facts: EventFacts,
    tell: TellEvent,
  ) {
    this.gatherer = new NoteGatherer(timers, tell);
    this.recovery = new RecoveryWatch(timers, facts.counts, (...told) => {
      // What led there comes before the end.
      this.gatherer.flush();
      tell(...told);
    });
  }

  note(note: ControllerNote): void {
    if (note.message === 'worker lost' && !this.facts.isMissed(String(note.fields.worker))) return;
    this.gatherer.note(note);
    this.recovery.note(note);
  }
}
