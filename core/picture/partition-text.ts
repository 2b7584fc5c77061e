/**
 * A partition as a short text: thousands of them are sent at once, and comparing two is comparing strings.
 *
 *   f12:0:0,1,3:     full, epoch 12, primary 0, voters 0 1 3, no learners
 *   U13:1:0,1,3:2    under-replicated and moving (a capital), learner 2
 */
import type { PartitionPicture, PartitionState } from './cluster-picture.js';

const letters: Record<PartitionState, string> = {
  unheard: 'h',
  full: 'f',
  under: 'u',
  leaderless: 'l',
  noQuorum: 'q',
  new: 'n',
};
const stateOf = new Map(Object.entries(letters).map(([state, letter]) => [letter, state as PartitionState]));

export function formatPartition(picture: PartitionPicture): string {
  const { state, moving, epoch, primary, voters, learners } = picture;
  const letter = moving ? letters[state].toUpperCase() : letters[state];
  return `${letter}${epoch}:${primary}:${voters.join(',')}:${learners.join(',')}`;
}

export function parsePartition(text: string): PartitionPicture {
  const letter = text.slice(0, 1);
  const [epoch, primary, voters = '', learners = ''] = text.slice(1).split(':');
  return {
    state: stateOf.get(letter.toLowerCase()) ?? 'unheard',
    moving: letter !== letter.toLowerCase(),
    epoch: Number(epoch),
    primary: Number(primary),
    voters: numbersOf(voters),
    learners: numbersOf(learners),
  };
}

function numbersOf(text: string): number[] {
  return text === '' ? [] : text.split(',').map(Number);
}
