/**
 * The four etcd messages that the comparison needs, in the wire format of Protocol Buffers and nothing else:
 * a generated codec would cost the load generator more than the request.
 * Field numbers: etcd 3.4, etcdserver/etcdserverpb/rpc.proto and mvcc/mvccpb/kv.proto.
 */
const lengthDelimited = 2;
const varint = 0;

/** PutRequest: key = 1, value = 2. */
export function encodePut(key: Buffer, value: Buffer): Buffer {
  const size = fieldSize(key) + fieldSize(value);
  const message = Buffer.allocUnsafe(size);
  writeField(message, writeField(message, 0, 1, key), 2, value);
  return message;
}

/** RangeRequest of one key: key = 1; `serializable` (7) stays false, which makes the read linearizable. */
export function encodeRange(key: Buffer): Buffer {
  const message = Buffer.allocUnsafe(fieldSize(key));
  writeField(message, 0, 1, key);
  return message;
}

/** PutResponse: header = 1, in it revision = 3. Throws on a reply that carries no revision. */
export function decodePutRevision(message: Buffer): number {
  const header = findField(message, 1);
  const revision = header instanceof Buffer ? findField(header, 3) : null;
  if (typeof revision !== 'number' || revision === 0) throw new Error('a PutResponse without a revision');
  return revision;
}

/** RangeResponse: kvs = 2, in it value = 5; null if no key was found. */
export function decodeRangeValue(message: Buffer): Buffer | null {
  const found = findField(message, 2);
  if (!(found instanceof Buffer)) return null;
  const value = findField(found, 5);
  return value instanceof Buffer ? value : Buffer.alloc(0);
}

function fieldSize(bytes: Buffer): number {
  return 1 + varintSize(bytes.length) + bytes.length;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function writeField(into: Buffer, at: number, field: number, bytes: Buffer): number {
  let offset = into.writeUInt8((field << 3) | lengthDelimited, at);
  let rest = bytes.length;
  for (; rest > 127; rest = Math.floor(rest / 128)) offset = into.writeUInt8((rest % 128) | 128, offset);
  offset = into.writeUInt8(rest, offset);
  bytes.copy(into, offset);
  return offset + bytes.length;
}

/** The first field of that number; numbers beyond 2^53 lose precision, and none that is looked for does. */
function findField(message: Buffer, wanted: number): Buffer | number | null {
  let offset = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(offset);
      offset += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (offset < message.length) {
    const tag = readVarint();
    const [field, kind] = [tag >> 3, tag & 7];
    if (kind !== varint && kind !== lengthDelimited) throw new Error(`a field of kind ${kind}`);
    const number = readVarint();
    if (kind === varint) {
      if (field === wanted) return number;
      continue;
    }
    if (field === wanted) return message.subarray(offset, offset + number);
    offset += number;
  }
  return null;
}
