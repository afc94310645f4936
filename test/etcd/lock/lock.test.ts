import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Failure } from '../../../src/errors.ts';
import type { ClusterClient } from '../../../src/etcd/cluster/discover.ts';
import { takeLock } from '../../../src/etcd/lock/lock.ts';
import { connectFake, type FakeMember } from '../../support/fake-connection.ts';
import { HEADER } from '../../support/fake-etcd.ts';

const header = HEADER;
const lease = {
  'Lease/LeaseGrant': () => ({ header, ID: '7', TTL: '60' }),
  'Lease/LeaseRevoke': () => ({ header }),
};

function clientOf({ connection }: FakeMember): ClusterClient {
  const close = (): void => connection.close();
  return {
    id: '1',
    settings: connection.settings,
    members: [{ id: '2', name: 'm0', learner: false, clientUrls: [connection.endpoint] }],
    connections: new Map([['2', connection]]),
    unreachable: new Map(),
    warnings: [],
    close,
    [Symbol.dispose]: close,
  };
}

const options = {
  ttlMs: 60_000,
  holder: 'a test',
  log: pino({ level: 'silent' }),
  signal: new AbortController().signal,
};

test('a key that cannot be created and is not there either is not tried for ever', async () => {
  await using member = await connectFake({
    unary: { ...lease, 'KV/Range': () => ({ header }), 'KV/Txn': () => ({ header, succeeded: false }) },
  });
  const began = performance.now();
  const lock = await takeLock(clientOf(member), options);
  const tries = member.server.calls.filter((call) => call === 'KV/Txn').length;
  assert.equal(tries, 5);
  assert.ok(performance.now() - began >= 4_000, 'there is a pause between the tries');
  assert.match(lock.missing ?? '', /did not create the key etcd-upkeep\/lock \(tries: 5\)/);
  await assert.rejects(lock.ensure(), (error) => error instanceof Failure && error.kind === 'step');
  await lock.release();
  const leases = (method: string) => member.server.calls.filter((call) => call === method).length;
  assert.equal(leases('Lease/LeaseRevoke'), leases('Lease/LeaseGrant'), 'every lease is given back');
});

test('a key is never put on a lease that is none: it would stay for ever', async () => {
  for (const granted of [{ header, ID: '0', TTL: '60' }, { header, TTL: '60' }, {}]) {
    await using member = await connectFake({
      unary: {
        'KV/Range': () => ({ header }),
        'Lease/LeaseGrant': () => granted,
        'KV/Txn': () => ({ header, succeeded: true, responses: [{}] }),
      },
    });
    const lock = await takeLock(clientOf(member), options);
    assert.ok(lock.missing);
    await assert.rejects(lock.ensure(), (error) => error instanceof Failure && error.kind === 'step');
    await lock.release();
    assert.ok(!member.server.calls.includes('KV/Txn'), 'no key was put');
  }
});

test('a key that cannot be read is not free', async () => {
  await using member = await connectFake({
    unary: {
      ...lease,
      'KV/Range': () => ({}),
      'KV/Txn': () => ({ header, succeeded: true, responses: [{}] }),
    },
  });
  const lock = await takeLock(clientOf(member), options);
  assert.match(lock.missing ?? '', /cannot be: it has no header/);
  await lock.release();
  assert.deepEqual(member.server.calls, ['KV/Range']);
});
