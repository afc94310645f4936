import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wholeNumber } from '../../../src/etcd/client/answers.ts';
import {
  compactPhysically,
  compactRevision,
  compactRevisionByWatch,
} from '../../../src/etcd/client/compaction.ts';
import type { Connection } from '../../../src/etcd/client/connection.ts';
import { countKeys, firstKey } from '../../../src/etcd/client/keys.ts';
import { hashKV, memberList } from '../../../src/etcd/client/maintenance.ts';
import { statusOnce } from '../../../src/etcd/client/status.ts';
import { EtcdError } from '../../../src/etcd/errors.ts';
import {
  createKey,
  grantLease,
  leaseSecondsLeft,
  putKey,
  readKey,
  renewLease,
  revokeLease,
} from '../../../src/etcd/lock/leases.ts';
import { ANY_PERMIT } from '../../support/any-permit.ts';
import { connectFake } from '../../support/fake-connection.ts';
import { HEADER, type Message, type Stream } from '../../support/fake-etcd.ts';

type Call = (connection: Connection) => Promise<unknown>;

const isOther = (error: unknown): boolean => error instanceof EtcdError && error.code === 'other';
const header = HEADER;
const KEY = { key: Buffer.from('lock'), value: Buffer.from('x'), lease: '0' };
const LEASE = '1';

const count: Call = (connection) => countKeys(connection, 1_000);
const first: Call = (connection) =>
  firstKey(connection, { from: Buffer.from('a'), below: Buffer.from('b') }, 0);
const read: Call = (connection) => readKey(connection, 'lock');
const create: Call = (connection) => createKey(connection, 'lock', 'x', LEASE);
const look: Call = (connection) => leaseSecondsLeft(connection, LEASE);
const grant: Call = (connection) => grantLease(connection, 60);
const hash: Call = (connection) => hashKV(connection, 1, 1_000);

/** By their methods what a server says, and what would come of it if it were believed. */
const ROWS: [name: string, method: string, answer: Message, call: Call][] = [
  ['an empty message is no key that is free', 'KV/Range', {}, read],
  ['a key that is counted and not given is none that is free', 'KV/Range', { header, count: '1' }, read],
  ['a key that is given and not counted', 'KV/Range', { header, kvs: [KEY] }, read],
  ['an empty message is no count of 0', 'KV/Range', {}, count],
  ['a count below 0', 'KV/Range', { header, count: '-1' }, count],
  ['a count that a number cannot hold', 'KV/Range', { header, count: '9007199254740993' }, count],
  ['a revision of 0', 'KV/Range', { header: { ...header, revision: '0' } }, count],
  ['an empty message is no range without keys', 'KV/Range', {}, first],
  ['an empty message is no history that goes back to the beginning', 'KV/Range', {}, compactRevision],
  ['a transaction that did nothing is no lock', 'KV/Txn', { header, succeeded: true }, create],
  ['an empty message is no transaction that failed', 'KV/Txn', {}, create],
  ['an empty message is no put', 'KV/Put', {}, (connection) => putKey(connection, 'lock', 'x', LEASE)],
  [
    'an empty message is no compaction',
    'KV/Compact',
    {},
    (connection) => compactPhysically(ANY_PERMIT, connection, 1, 1_000),
  ],
  ['a lease with the ID 0 is none', 'Lease/LeaseGrant', { header, ID: '0', TTL: '60' }, grant],
  ['a lease with an ID below 0 is none', 'Lease/LeaseGrant', { header, ID: '-1', TTL: '60' }, grant],
  ['a lease of no time is none', 'Lease/LeaseGrant', { header, ID: '7', TTL: '0' }, grant],
  ['an empty message is no lease', 'Lease/LeaseGrant', {}, grant],
  ['an empty message is no lease that has ended', 'Lease/LeaseTimeToLive', {}, look],
  ['another lease', 'Lease/LeaseTimeToLive', { header, ID: '2', TTL: '60' }, look],
  [
    'an empty message is no lease that was revoked',
    'Lease/LeaseRevoke',
    {},
    (connection) => revokeLease(connection, LEASE, 1_000),
  ],
  ['a cluster without members', 'Cluster/MemberList', { header }, memberList],
  ['a member list without a header', 'Cluster/MemberList', { members: [{ ID: '7', name: 'a' }] }, memberList],
  ['an empty message is no hash of 0', 'Maintenance/HashKV', {}, hash],
  ['a compact revision below -1', 'Maintenance/HashKV', { header, hash: 1, compact_revision: '-2' }, hash],
  ['an empty message is no status', 'Maintenance/Status', {}, (connection) => statusOnce(connection)],
  ['a size below 0', 'Maintenance/Status', { header, dbSize: '-1' }, (connection) => statusOnce(connection)],
  [
    'an index that a number cannot hold',
    'Maintenance/Status',
    { header, raftIndex: '18446744073709551615' },
    (connection) => statusOnce(connection),
  ],
];

describe('what cannot be is not believed', { concurrency: 4 }, () => {
  for (const [name, method, answer, call] of ROWS) {
    test(name, async () => {
      await using member = await connectFake({ unary: { [method]: () => answer } });
      await assert.rejects(call(member.connection), isOther);
      assert.deepEqual(member.server.calls, [method], 'it is asked once');
    });
  }
});

/** Says the same again and again, as long as anybody listens. */
const endless =
  (answer: Message): Stream =>
  (call) => {
    const more = (): void => {
      if (call.cancelled || call.destroyed) return;
      if (call.write(answer)) setImmediate(more);
      else call.once('drain', more);
    };
    call.once('data', more);
  };

const silent: Stream = (call) => void call.resume();

const renew =
  (timeoutMs: number): Call =>
  (connection) =>
    renewLease(connection, LEASE, timeoutMs);
/** Longer than any machine needs: what ends before that was not ended by time. */
const RENEW = renew(60_000);

const STREAMS: [name: string, method: string, stream: Stream, call: Call, code: string][] = [
  [
    'endless renewals of another lease',
    'Lease/LeaseKeepAlive',
    endless({ header, ID: '2', TTL: '60' }),
    RENEW,
    'other',
  ],
  [
    'a renewal to less than nothing',
    'Lease/LeaseKeepAlive',
    endless({ header, ID: '1', TTL: '-5' }),
    RENEW,
    'other',
  ],
  ['endless events', 'Watch/Watch', endless({ header, created: true }), compactRevisionByWatch, 'other'],
  [
    'a watch that is denied',
    'Watch/Watch',
    endless({
      header,
      canceled: true,
      cancel_reason: 'rpc error: code = PermissionDenied desc = etcdserver: permission denied',
    }),
    compactRevisionByWatch,
    'access',
  ],
  ['a renewal that nobody answers', 'Lease/LeaseKeepAlive', silent, renew(500), 'timeout'],
];

describe('a stream ends', { concurrency: 4 }, () => {
  for (const [name, method, stream, call, code] of STREAMS) {
    test(`at ${name}: ${code}`, async () => {
      await using member = await connectFake({ streams: { [method]: stream } });
      const began = performance.now();
      await assert.rejects(
        call(member.connection),
        (error) => error instanceof EtcdError && error.code === code,
      );
      assert.ok(performance.now() - began < 30_000);
    });
  }
});

test('an answer is not read beyond its bound', async () => {
  const value = Buffer.alloc(5 << 20);
  const answer = { header, kvs: [{ ...KEY, value }], count: '1' };
  await using member = await connectFake({ unary: { 'KV/Range': () => answer } });
  await assert.rejects(read(member.connection), isOther);
});

test('a number is whole, exact, and not below what it can be', () => {
  assert.equal(wholeNumber('9007199254740991', 'n'), Number.MAX_SAFE_INTEGER);
  assert.equal(wholeNumber('-1', 'n', -1), -1);
  for (const value of [
    '',
    ' ',
    '-1',
    '1.5',
    'NaN',
    'Infinity',
    '9007199254740992',
    undefined,
    null,
    0.5,
    -1,
  ]) {
    assert.throws(() => wholeNumber(value, 'n'), isOther, String(value));
  }
});
