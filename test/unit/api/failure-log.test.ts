import { expect, it } from '@jest/globals';
import { FailureLog } from '../../../node/api/request-identity.js';

it('tells of failures by name, and of no more than ten a second', () => {
  const told: unknown[] = [];
  const clock = { time: 5_000, now: () => clock.time };
  const log = new FailureLog({ warn: (message, fields) => told.push([message, fields]) }, clock);
  const failed = { requestId: 'order-4711', method: 'PUT', status: 503, code: 'no-quorum' };
  for (let count = 0; count < 25; count += 1) log.tell(failed);
  expect(told).toEqual(Array.from({ length: 10 }, () => ['request failed', failed]));
  clock.time += 1_000;
  log.tell(failed);
  log.tell(failed);
  expect(told.slice(10)).toEqual([
    ['request failed', { ...failed, untold: 15 }],
    ['request failed', failed],
  ]);
});
