/**
 * The safety rules of the replication protocol, by name.
 *
 * Shipping code asks `holds('rule')` where a rule is enforced; the answer is always true. The test build
 * breaks one rule at a time (`breakRule`, which lint allows in `test/` alone) and the simulation has to find
 * each broken rule: a rule that nothing can break, or whose breaking nothing notices, is not a rule yet.
 * docs/architecture.md says why each one is there.
 */

export const ruleTexts = {
  'ack-after-durable': 'a position is acknowledged only after the transaction that holds it is on disk',
  'fence-before-choice': 'positions count for a choice only when a fence quorum has promised the new epoch',
  'fence-after-pending-appends':
    'a fence is answered only when everything handed to the log before it is durable',
  'choose-greatest-synced': 'the chosen replica has the greatest (syncedEpoch, lastSeq), not the longest log',
  'sync-before-commit': 'a configuration enters the ring only after a majority of its voters was made equal',
  'allocation-must-answer':
    'an epoch is used only if the compare-and-swap that allocated it answered success',
  'one-epoch-one-choice': 'an epoch is allocated anew for each attempt, never used for a second choice',
  'commit-checks-attempt': 'a configuration is committed only while the partition still carries its attempt',
  'boot-count-in-record': 'a primary serves only under the boot count in the record of the partition itself',
  'store-id-in-record': 'an answer counts for a voter only with the store id in the partition’s record',
  'registration-keeps-identities': 'registering a worker changes no partition’s identities',
  'lead-names-choice': 'an order to lead names what was chosen; a replica that differs refuses it',
  'promise-first':
    'a replica promises an epoch durably before it reports its log to the leader of that epoch',
  'refuse-below-promise': 'a replica obeys no sender below its promise',
  'no-cut-within-synced-epoch': 'within the epoch a replica is synced in nothing is ever cut',
  'append-needs-synced-epoch': 'a backup takes entries only in the epoch that it was synced in',
  'contiguous-prefix': 'an acknowledgement covers a contiguous prefix; an entry after a gap is refused',
  'fence-waits-for-grants':
    'a fence is answered when the read leases granted have run out or were given back',
  'fenced-primary-stops': 'a primary that promised a higher epoch serves nothing more',
  'grant-echoes-send-time': 'a lease counts from the moment its request was sent, which the grant echoes',
  'give-back-names-epoch': 'giving a lease back cancels only the grant of the epoch it names',
  'no-lease-after-give-back': 'a primary that gave its lease back takes none again in that epoch',
  'quiet-after-restart': 'a restarted replica answers no fence until the grants it forgot have run out',
  'lease-checked-after-read': 'the lease is checked after the value was read',
  'fresh-confirmation': 'a read without a lease is confirmed by requests sent after it arrived',
  'clocks-compared': 'a wall clock that runs away from the monotonic one drops the leases held',
  'lease-for-reads': 'a primary answers reads only with a lease or a confirmation',
  'no-entry-is-a-read': 'an answer that adds no entry waits and is checked as a read is',
  'not-applied-needs-ring': '“not applied” is said only by a configuration in the ring that lacks the entry',
  'lost-place-is-lasting': 'a primary whose append failed never serves in that epoch again',
  'restart-loses-place': 'a restarted primary serves only after a new configuration names its new boot count',
  'delete-at-promise': 'a replica is deleted only by a record whose epoch is at or above its promise',
  'promise-survives-delete': 'the promise of a deleted replica stays',
  'apply-committed-only': 'only entries known to be committed are applied to the table',
  'commit-needs-synced-epoch':
    'a commit position counts only if received in the epoch the replica is synced in',
  'commit-quorum': 'an entry is committed when a majority of the voters, the primary among them, holds it',
  'voters-only': 'learners never count in a quorum',
  'commit-after-durable-here': 'the primary’s own log counts for a commit only when it is durable',
  'copy-before-log': 'a full copy is staged durably before the log switches to it',
  'memory-of-acks':
    'a replica that holds less than its peers saw it acknowledge counts as having lost its disk',
  'boot-count-remembered': 'a store that comes back with a boot count seen before is an older image',
  'commit-known-by-choice': 'a chosen replica that lacks a known commit position stops the failover',
  'committed-reads': 'only committed state is readable',
  'known-rows-follow-table': 'what a primary remembers of a row is replaced when the table shows a newer one',
  'idempotency-before-precondition': 'an idempotency key is looked up before any precondition',
  'idempotency-in-flight': 'a repeated request that meets its first try in flight gets that try’s outcome',
  'divergence-two-sided': 'logs part at the lower of the two ends of the newest common epoch',
  'fence-store-ids': 'a fence counts only answers with the store ids in the record',
  'stale-fence-refused': 'a worker refuses a fence based on an older ring than it stores',
  'chosen-stays-voter': 'the chosen replica is a voter of the new configuration',
} as const;

export type RuleName = keyof typeof ruleTexts;

const broken = new Set<RuleName>();

/** True unless a test broke the rule on purpose. */
export function holds(rule: RuleName): boolean {
  return broken.size === 0 || !broken.has(rule);
}

/** For the test build alone: breaks a rule until `mendRules` is called. */
export function breakRule(rule: RuleName): void {
  broken.add(rule);
}

/** For the test build alone: all rules hold again. */
export function mendRules(): void {
  broken.clear();
}
