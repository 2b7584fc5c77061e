/**
 * The ring record as JSON text: what ring stores keep. Everything is checked when it is read back, since the
 * text may come from a damaged file or an editor; what does not pass is an error, never an absent record.
 */
import type {
  Identity,
  Member,
  PartitionRecord,
  PrimaryIdentity,
  RingRecord,
  WorkerId,
} from './ring-record.js';

/** Says where in the document, and what was expected there. */
export class RingJsonError extends Error {
  override readonly name = 'RingJsonError';
}

const membersMax = 1_024;
const partitionsMax = 65_536;
const replicasMax = 15;

/** One partition per line, so that a person can read it and a diff shows what changed. */
export function formatRing(record: RingRecord): string {
  const { partitions, ...head } = record;
  const lines = partitions.map((partition) => `  ${JSON.stringify(partition)}`);
  const open = JSON.stringify(head, null, 1).slice(0, -2);
  return `${open},\n "partitions": [\n${lines.join(',\n')}\n ]\n}`;
}

/** Throws RingJsonError. */
export function parseRing(text: string): RingRecord {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new RingJsonError('the ring record is not JSON');
  }
  return ringOf(document);
}

/** Checks a value that came out of JSON. Throws RingJsonError. */
export function ringOf(document: unknown): RingRecord {
  const fields = fieldsOf(document, 'ring', [
    'formatVersion',
    'clusterId',
    'version',
    'epochCounter',
    'partitionCount',
    'replicationFactor',
    'members',
    'partitions',
  ]);
  if (fields.formatVersion !== 1)
    throw new RingJsonError('formatVersion is not 1: a newer program wrote this');
  const record: RingRecord = {
    formatVersion: 1,
    clusterId: identifier(fields.clusterId, 'clusterId'),
    version: whole(fields.version, 'version'),
    epochCounter: whole(fields.epochCounter, 'epochCounter'),
    partitionCount: whole(fields.partitionCount, 'partitionCount', partitionsMax),
    replicationFactor: whole(fields.replicationFactor, 'replicationFactor', replicasMax),
    members: membersOf(fields.members),
    partitions: listOf(fields.partitions, 'partitions', partitionsMax, partitionOf),
  };
  const { partitionCount, partitions, epochCounter } = record;
  require(Number.isInteger(Math.log2(partitionCount)), 'partitionCount is not a power of two');
  require(partitions.length === partitionCount, 'partitions are not as many as partitionCount says');
  partitions.forEach((partition, index) => {
    require(partition.attempt <= epochCounter, `partitions[${index}].attempt is above epochCounter`);
  });
  return record;
}

function require(fine: boolean, problem: string): asserts fine {
  if (!fine) throw new RingJsonError(problem);
}

function fieldsOf(value: unknown, place: string, names: readonly string[]): Record<string, unknown> {
  require(typeof value === 'object' && value !== null && !Array.isArray(value), `${place} is not an object`);
  const fields = value as Record<string, unknown>;
  for (const name of names) require(Object.hasOwn(fields, name), `${place} lacks ${name}`);
  // A field that this program does not know would be lost when it writes the document again.
  for (const name of Object.keys(fields)) require(names.includes(name), `${place} has an unknown ${name}`);
  return fields;
}

function listOf<T>(
  value: unknown,
  place: string,
  countMax: number,
  item: (value: unknown, place: string) => T,
): T[] {
  require(Array.isArray(value) && value.length <= countMax, `${place} is not a list of at most ${countMax}`);
  return value.map((element, index) => item(element, `${place}[${index}]`));
}

function whole(value: unknown, place: string, max = Number.MAX_SAFE_INTEGER): number {
  require(typeof value === 'number' &&
    Number.isSafeInteger(value) &&
    value >= 0 &&
    value <= max, `${place} is not a whole number from 0 to ${max}`);
  return value;
}

function printable(value: unknown, place: string, lengthMax: number): string {
  require(typeof value === 'string' &&
    value.length <= lengthMax &&
    /^[ -~]*$/.test(value), `${place} is not printable ASCII of at most ${lengthMax} characters`);
  return value;
}

function identifier(value: unknown, place: string): string {
  return printable(value, place, 128);
}

function membersOf(value: unknown): Record<WorkerId, Member> {
  require(typeof value === 'object' && value !== null && !Array.isArray(value), 'members is not an object');
  const entries = Object.entries(value);
  require(entries.length <= membersMax, `members are more than ${membersMax}`);
  return Object.fromEntries(
    entries.map(([id, member]) => [
      identifier(id, 'a member’s id'),
      memberOf(member, `members.${id.slice(0, 128)}`),
    ]),
  );
}

function memberOf(value: unknown, place: string): Member {
  const fields = fieldsOf(value, place, ['host', 'peerPort', 'clientPort', 'zone', 'state']);
  const { state } = fields;
  require(state === 'active' || state === 'draining', `${place}.state is neither active nor draining`);
  return {
    host: printable(fields.host, `${place}.host`, 255),
    peerPort: whole(fields.peerPort, `${place}.peerPort`, 65_535),
    clientPort: whole(fields.clientPort, `${place}.clientPort`, 65_535),
    zone: identifier(fields.zone, `${place}.zone`),
    state,
  };
}

function identityOf(value: unknown, place: string): Identity {
  const fields = fieldsOf(value, place, ['id', 'storeId']);
  return {
    id: identifier(fields.id, `${place}.id`),
    storeId: identifier(fields.storeId, `${place}.storeId`),
  };
}

function primaryOf(value: unknown, place: string): PrimaryIdentity {
  const { bootCount, ...rest } = fieldsOf(value, place, ['id', 'storeId', 'bootCount']);
  return { ...identityOf(rest, place), bootCount: whole(bootCount, `${place}.bootCount`) };
}

function partitionOf(value: unknown, place: string): PartitionRecord {
  const fields = fieldsOf(value, place, ['epoch', 'attempt', 'primary', 'voters', 'learners']);
  const record = {
    epoch: whole(fields.epoch, `${place}.epoch`),
    attempt: whole(fields.attempt, `${place}.attempt`),
    primary: primaryOf(fields.primary, `${place}.primary`),
    voters: listOf(fields.voters, `${place}.voters`, replicasMax, identityOf),
    learners: listOf(fields.learners, `${place}.learners`, replicasMax, identityOf),
  };
  // A worker whose disk is gone is a learner with its new store while the old one still stands as a voter.
  const stores = [...record.voters, ...record.learners].map(({ id, storeId }) => `${id} ${storeId}`);
  const ids = record.voters.map(({ id }) => id);
  const once = new Set(stores).size === stores.length && new Set(ids).size === ids.length;
  require(once, `${place} names a worker twice`);
  require(record.attempt >= record.epoch, `${place}.attempt is below its epoch`);
  // Epoch 0 is the wish of the first ring, no configuration: it has no primary yet.
  const { primary, voters, epoch } = record;
  const leads = voters.some(({ id, storeId }) => id === primary.id && storeId === primary.storeId);
  require(epoch === 0 || leads, `${place}.primary is not among its voters`);
  return record;
}
