/** Any order of faults and answers: one answer for each request. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applied, found, get, JoinedWorkers, put } from './joined-workers.js';
import type { WriteOutcome } from '../../../core/protocol/operation.js';
import { ringOf } from '../../support/ring-of.js';

const moved: WriteOutcome = { type: 'notApplied', reason: 'moved', detail: '' };

describe('the coordinator', () => {
  it('answers every request exactly once, whatever happens', () => {
    const step = fc.constantFrom(
      'write',
      'read',
      'keyed',
      'deliver',
      'answer',
      'lose',
      'cut',
      'join',
      'ring',
      'time',
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const workers = new JoinedWorkers();
        const answers: number[] = [];
        let version = 1;
        workers.publish(ringOf(version, version, 'b'));
        const ask = (kind: string) => {
          const index = answers.push(0) - 1;
          const done = () => {
            answers[index] = (answers[index] ?? 0) + 1;
          };
          if (kind === 'read') workers.a.coordinator.read(get(), done);
          else workers.a.coordinator.write(put({ idempotencyKey: kind === 'keyed' ? 'k' : '' }), done);
        };
        const answer = () => {
          for (const { replicas } of [workers.a, workers.b]) {
            for (const asked of replicas.writes.splice(0, 2)) asked.done(version % 3 ? applied : moved);
            for (const asked of replicas.reads.splice(0, 2)) asked.done(found);
          }
        };
        const actions: Record<(typeof steps)[number], () => void> = {
          write: () => ask('write'),
          read: () => ask('read'),
          keyed: () => ask('keyed'),
          deliver: () => workers.deliver(),
          answer,
          lose: () => void workers.wire.splice(0, 1),
          cut: () => workers.disconnect(),
          join: () => workers.reconnect(),
          ring: () => workers.publish(ringOf((version += 1), version, version % 2 ? 'b' : 'a')),
          time: () => workers.pass(150),
        };
        for (const name of steps) actions[name]();
        workers.pass(workers.limits.requestDeadlineMs);
        expect(answers).toEqual(answers.map(() => 1));
        expect(workers.a.coordinator.counts.inFlight).toBe(0);
      }),
    );
  });
});
