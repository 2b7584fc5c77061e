/** What the load generator says to etcd and Redis, and how it reads their answers. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decodePutRevision,
  decodeRangeValue,
  encodePut,
  encodeRange,
} from '../../../bench/wire/etcd-messages.js';
import { encodeCommand, parseReply } from '../../../bench/wire/resp-connection.js';
import { parseChunks } from '../../../bench/wire/http-connection.js';
import { perProcess } from '../../../bench/systems/fsync-count.js';

const hex = (bytes: Buffer) => bytes.toString('hex');

describe('etcd messages', () => {
  it('are the bytes that protoc makes', () => {
    expect(hex(encodePut(Buffer.from('k'), Buffer.from('value')))).toBe('0a016b120576616c7565');
    expect(hex(encodeRange(Buffer.from('key')))).toBe('0a036b6579');
  });

  it('write lengths beyond 127 in several bytes', () => {
    const message = encodePut(Buffer.from('k'), Buffer.alloc(300, 'v'));
    expect(hex(message.subarray(0, 6))).toBe('0a016b12ac02');
    expect(message.length).toBe(6 + 300);
  });

  it('give back the value of a range, which looks like a put inside', () => {
    // RangeResponse { header = 1 {}, kvs = 2 { key = 1, mod_revision = 3, value = 5 }, count = 4 }
    const pair = Buffer.from('0a016b18ac022a0576616c7565', 'hex');
    const found = Buffer.concat([
      Buffer.from('0a00', 'hex'),
      Buffer.of(0x12, pair.length),
      pair,
      Buffer.of(0x20, 1),
    ]);
    expect(decodeRangeValue(found)?.toString()).toBe('value');
    expect(decodeRangeValue(Buffer.from('0a00', 'hex'))).toBeNull();
  });

  it('take no put for done that has no revision', () => {
    expect(decodePutRevision(Buffer.from('0a0418ac0220', 'hex').subarray(0, 5))).toBe(300);
    expect(() => decodePutRevision(Buffer.from('0a00', 'hex'))).toThrow('without a revision');
    expect(() => decodePutRevision(Buffer.alloc(0))).toThrow('without a revision');
  });
});

describe('Redis protocol', () => {
  it('writes commands as arrays of strings', () => {
    const command = encodeCommand(['SET', 'k', Buffer.from('v\r\n')]);
    expect(command.toString()).toBe('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nv\r\n\r\n');
  });

  it('reads each kind of reply, and waits for the rest of one that was cut anywhere', () => {
    const replies: [string, unknown][] = [
      ['+OK\r\n', 'OK'],
      [':12\r\n', 12],
      ['$-1\r\n', null],
      ['$0\r\n\r\n', Buffer.alloc(0)],
      ['$4\r\na\r\nb\r\n', Buffer.from('a\r\nb')],
      ['-ERR no\r\n', new Error('ERR no')],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...replies), fc.string(), fc.nat(), ([text, wanted], rest, cut) => {
        const whole = parseReply(Buffer.from(text + rest));
        expect(whole).toEqual({ reply: wanted, bytes: text.length });
        expect(parseReply(Buffer.from(text.slice(0, cut % text.length)))).toBeNull();
      }),
    );
  });
});

describe('chunked replies', () => {
  it('are put together once the last chunk is there, and end where the next reply begins', () => {
    const text = 'head4\r\nab\r\n\r\na\r\n0123456789\r\n0\r\n\r\n';
    const found = parseChunks(Buffer.from(`${text}next`), 4);
    expect(found).toEqual({ body: Buffer.from('ab\r\n0123456789'), end: text.length });
    for (let cut = 4; cut < text.length; cut += 1)
      expect(parseChunks(Buffer.from(text.slice(0, cut)), 4)).toBeNull();
  });
});

describe('syncs', () => {
  it('are counted by process, once for a call that was interrupted in the trace', () => {
    const trace = [
      '11 fdatasync(5) = 0',
      '12 fsync(6 <unfinished ...>',
      '12 <... fsync resumed>) = 0',
      '21 fdatasync(5) = 0',
      '99 fdatasync(5) = 0',
      '11 write(5, "fsync(", 6) = 6',
    ].join('\n');
    const processOfThread = new Map([
      [11, 10],
      [12, 10],
      [21, 20],
    ]);
    expect(perProcess(trace, processOfThread)).toEqual([2, 1, 1]);
  });
});
