/**
 * Which replica leads the next epoch, decided from the answers to a fence. A quorum of answers that count
 * meets every quorum that committed anything, so the greatest (syncedEpoch, lastSeq) among them holds every
 * committed write, unless a disk forgot: an answer counts only from a store that the record names, in its
 * newest run, that holds all that its peers saw it acknowledge.
 */
import { assert } from '../assert.js';
import type { WorkerReportOf } from '../protocol/control-message.js';
import type { PartitionRecord, WorkerId } from '../ring/ring-record.js';
import { fenceQuorum } from '../ring/ring-record.js';
import { holds } from '../rules.js';

type Fenced = WorkerReportOf<'fenced'>;
type FencedItem = Fenced['items'][number];

/** What one voter said about one partition. */
export interface FenceAnswer extends Omit<FencedItem, 'partition'> {
  id: WorkerId;
  storeId: string;
  bootCount: number;
  runId: string;
  peerRuns: Fenced['peerRuns'];
}

export interface ChoiceFacts {
  epoch: number;
  /** The configuration that was fenced. */
  record: PartitionRecord;
  answers: readonly FenceAnswer[];
  /**
   * Could not bring its peers level when it was chosen before: not chosen if a quorum is there without it.
   */
  leftOut: ReadonlySet<WorkerId>;
  /** Among equals, whom to take: the first that is named. */
  preferred: readonly WorkerId[];
}

export type Choice =
  | { type: 'chosen'; answer: FenceAnswer }
  | { type: 'noQuorum'; present: number; needed: number; absences: string }
  /** Stores forgot what was committed: a person has to look. */
  | { type: 'forgotten'; lastSeq: number; commitSeq: number };

export function chooseLeader(facts: ChoiceFacts): Choice {
  const { record, leftOut } = facts;
  const counted = countedAnswers(facts);
  const quorum = holds('fence-before-choice') ? fenceQuorum(record.voters.length) : 1;
  if (counted.length < quorum) {
    return { type: 'noQuorum', present: counted.length, needed: quorum, absences: absences(facts) };
  }
  const others = counted.filter((answer) => !leftOut.has(answer.id));
  const candidates = others.length >= quorum ? others : counted;
  const chosen = greatest(candidates, facts);
  const named = facts.answers.filter((answer) => isNamed(answer, record));
  const commitSeq = Math.max(...named.map((answer) => answer.commitSeq));
  if (chosen.lastSeq < commitSeq && holds('commit-known-by-choice')) {
    return { type: 'forgotten', lastSeq: chosen.lastSeq, commitSeq };
  }
  return { type: 'chosen', answer: chosen };
}

/** The answers that stand for a voter. */
export function countedAnswers(facts: ChoiceFacts): FenceAnswer[] {
  return facts.answers.filter((answer) => whyNotCounted(answer, facts) === '');
}

/** Why voters are missing from a quorum, for a person to read. */
function absences(facts: ChoiceFacts): string {
  const reasons = facts.record.voters.flatMap(({ id }) => {
    const answer = facts.answers.find((found) => found.id === id);
    const reason = answer === undefined ? 'no answer' : whyNotCounted(answer, facts);
    return reason === '' ? [] : [`${id}: ${reason}`];
  });
  return reasons.join('; ');
}

function whyNotCounted(answer: FenceAnswer, facts: ChoiceFacts): string {
  if (!isNamed(answer, facts.record)) return 'another store';
  if (answer.promisedEpoch !== facts.epoch) return `promised epoch ${answer.promisedEpoch} instead`;
  const named = facts.answers.filter((other) => isNamed(other, facts.record));
  if (isOlderImage(answer, named)) return 'its disk is an older image';
  if (holds('memory-of-acks') && forgotAcks(answer, named)) return 'its disk lost what it had acknowledged';
  return '';
}

function isNamed(answer: FenceAnswer, record: PartitionRecord): boolean {
  const idCounts = !holds('fence-store-ids') || !holds('store-id-in-record');
  const counted = holds('voters-only') ? record.voters : [...record.voters, ...record.learners];
  return counted.some((voter) => voter.id === answer.id && (voter.storeId === answer.storeId || idCounts));
}

/** A peer remembers a later run of this store, or another run under the same boot count. */
function isOlderImage(answer: FenceAnswer, others: readonly FenceAnswer[]): boolean {
  if (!holds('boot-count-remembered')) return false;
  return others.some((other) =>
    other.peerRuns.some(
      (run) =>
        other.id !== answer.id &&
        run.id === answer.id &&
        run.storeId === answer.storeId &&
        (run.bootCount > answer.bootCount ||
          (run.bootCount === answer.bootCount && run.runId !== answer.runId)),
    ),
  );
}

/**
 * It holds less than a peer saw it acknowledge. Its synced epoch never falls and within that epoch nothing is
 * cut, so the pair (synced epoch, last seq) of an honest disk never falls below one that was acknowledged.
 */
function forgotAcks(answer: FenceAnswer, others: readonly FenceAnswer[]): boolean {
  return others.some((other) =>
    other.acks.some(
      (ack) =>
        other.id !== answer.id &&
        ack.id === answer.id &&
        ack.storeId === answer.storeId &&
        (answer.syncedEpoch < ack.epoch || (answer.syncedEpoch === ack.epoch && answer.lastSeq < ack.seq)),
    ),
  );
}

function greatest(answers: readonly FenceAnswer[], facts: ChoiceFacts): FenceAnswer {
  const ranked = [...answers].sort(
    (a, b) =>
      (holds('choose-greatest-synced') ? b.syncedEpoch - a.syncedEpoch : 0) ||
      b.lastSeq - a.lastSeq ||
      rank(a, facts) - rank(b, facts),
  );
  const [first] = ranked;
  assert(first !== undefined, 'a choice has candidates');
  return first;
}

function rank(answer: FenceAnswer, facts: ChoiceFacts): number {
  const place = facts.preferred.indexOf(answer.id);
  return (facts.leftOut.has(answer.id) ? 1_000 : 0) + (place < 0 ? 500 : place);
}
