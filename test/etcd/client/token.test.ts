import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { loadConfig } from '../../../src/config/config.ts';
import { Failure } from '../../../src/errors.ts';
import { alarmList, disarmNoSpace } from '../../../src/etcd/client/alarms.ts';
import {
  compactPhysically,
  compactRevision,
  compactRevisionByWatch,
  compactRevKey,
} from '../../../src/etcd/client/compaction.ts';
import { Connection } from '../../../src/etcd/client/connection.ts';
import { countKeys, firstKey } from '../../../src/etcd/client/keys.ts';
import { defragmentMember, hashKV, memberList, moveLeader } from '../../../src/etcd/client/maintenance.ts';
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
import { openSnapshot } from '../../../src/etcd/snapshot/snapshot.ts';
import { ANY_PERMIT } from '../../support/any-permit.ts';
import { askGateway } from '../../support/etcd-gateway.ts';
import { type Cluster, startCluster } from '../../support/etcd-cluster.ts';
import { connectFake } from '../../support/fake-connection.ts';
import { HEADER, Refusal } from '../../support/fake-etcd.ts';
import { fill } from '../../support/fill.ts';
import { jwtFlag } from '../../support/jwt-keys.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import type { EtcdVersion } from '../../support/tools.ts';

const auth = { user: 'root', password: 'a password' };
const CHEAP_HASHES = '--bcrypt-cost=4';
const TTL_SECONDS = 1;

/** What the calls are made on. */
interface Place {
  cluster: Cluster;
  /** to be renewed and asked about */
  leaseId: string;
  /** to be revoked */
  spareLeaseId: string;
  memberId: string;
}

type Call = (connection: Connection, place: Place) => Promise<unknown>;

/** Every call that the client can make. */
const CALLS: Record<string, Call> = {
  Status: (connection) => statusOnce(connection),
  'member list': memberList,
  'alarm list': alarmList,
  'alarm disarm': (connection, { memberId }) => disarmNoSpace(ANY_PERMIT, connection, memberId),
  HashKV: (connection) => hashKV(connection, 0, 10_000),
  'a count': (connection) => countKeys(connection, 10_000),
  'the first key': (connection) =>
    firstKey(connection, { from: Buffer.from('a'), below: Buffer.from('z') }, 0),
  compact_rev_key: compactRevKey,
  'the compact revision': compactRevision,
  'a watch': compactRevisionByWatch,
  'the lock, read': (connection) => readKey(connection, 'lock'),
  'the lock, created': (connection, { leaseId }) => createKey(connection, 'lock', 'mine', leaseId),
  'the lock, put': (connection, { leaseId }) => putKey(connection, 'other', 'mine', leaseId),
  'a lease, granted': (connection) => grantLease(connection, 60),
  'a lease, renewed': (connection, { leaseId }) => renewLease(connection, leaseId, 10_000),
  'a lease, looked at': (connection, { leaseId }) => leaseSecondsLeft(connection, leaseId),
  'a lease, revoked': (connection, { spareLeaseId }) => revokeLease(connection, spareLeaseId, 10_000),
  compaction: (connection) => compactPhysically(ANY_PERMIT, connection, 4, 10_000),
  snapshot: async (connection) => {
    const snapshot = await openSnapshot(connection, await statusOnce(connection), connection.signal);
    for await (const _chunk of snapshot.chunks); // to its end
    snapshot.close();
  },
  defragmentation: (connection) => defragmentMember(ANY_PERMIT, connection, 30_000),
  // Of one member there is nobody to give it to, which etcd says only to those who may ask for it.
  'move leader': (connection) =>
    assert.rejects(
      moveLeader(ANY_PERMIT, connection, 'abc'),
      (error) => error instanceof EtcdError && /bad leader transferee/.test(error.message),
    ),
};

async function placeOf(cluster: Cluster): Promise<Place> {
  await using granting = opened(cluster);
  await fill(cluster, { keys: 10, valueBytes: 100, overwrites: 2 });
  // So that a watch from the beginning has something to say.
  await compactPhysically(ANY_PERMIT, granting.connection, 3, 10_000);
  return {
    cluster,
    leaseId: await grantLease(granting.connection, 600),
    spareLeaseId: await grantLease(granting.connection, 600),
    memberId: cluster.member(0).id,
  };
}

function opened({ env }: Cluster): AsyncDisposable & { connection: Connection } {
  const settings = loadConfig(env).etcd;
  const connection = new Connection(settings.endpoints[0] ?? '', settings, new AbortController().signal);
  return { connection, [Symbol.asyncDispose]: async () => connection.close() };
}

/** Signs in once for every kind of call, makes all those tokens old, and then makes the calls. */
async function assertEveryCall(place: Place, makeOld: () => Promise<unknown>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const made = Object.entries(CALLS).map(([name, call]) => {
    const { connection } = stack.use(opened(place.cluster));
    return { name, call, connection };
  });
  await Promise.all(made.map(({ connection }) => readKey(connection, 'lock')));
  await makeOld();
  const failed: string[] = [];
  for (const { name, call, connection } of made) {
    await call(connection, place).catch((error: unknown) => failed.push(`${name}: ${String(error)}`));
  }
  assert.deepEqual(failed, []);
}

const addRole = ({ cluster }: Place): Promise<unknown> =>
  askGateway(cluster.member(0).clientUrl, cluster.access, 'auth/role/add', { body: { name: 'another' } });

const VERSIONS: readonly EtcdVersion[] = ['3.4', '3.5', '3.6', '3.7'];

/** Ways to make a token old: what etcd is to be told for it, and what is then to be done. */
const WAYS: Record<
  string,
  { flags: (folder: string) => string[]; makeOld: (place: Place) => Promise<unknown> }
> = {
  'of JWT, and a role was added': { flags: (folder) => [jwtFlag(folder)], makeOld: addRole },
  'that has expired': {
    flags: () => [`--auth-token-ttl=${TTL_SECONDS}`],
    makeOld: () => sleep((TTL_SECONDS + 2) * 1_000),
  },
  'that the member forgot when it started anew': {
    flags: () => [],
    makeOld: ({ cluster }) => cluster.restart(cluster.member(0)),
  },
};

describe('whatever is called, a new token is made for one', { concurrency: 2 }, () => {
  for (const [way, { flags, makeOld }] of Object.entries(WAYS)) {
    for (const version of VERSIONS) {
      test(`${way} (etcd ${version})`, async () => {
        await using folder = await scratchFolder('jwt');
        await using cluster = await startCluster({
          version,
          auth,
          extraArgs: [CHEAP_HASHES, ...flags(folder.path)],
        });
        const place = await placeOf(cluster);
        await assertEveryCall(place, () => makeOld(place));
      });
    }
  }
});

describe('a new token', () => {
  const credentials = { ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'a password' };

  /** A server that takes the tokens which `takes` accepts, and numbers those that it gives. */
  function connect(takes: (token: string | undefined) => boolean, says: string) {
    let given = 0;
    return connectFake(
      {
        unary: {
          'Auth/Authenticate': () => ({ header: HEADER, token: `token ${(given += 1)}` }),
          'KV/Range': (_request, token) => {
            if (takes(token)) return { header: HEADER };
            throw new Refusal(status.UNAUTHENTICATED, says);
          },
        },
      },
      credentials,
    );
  }

  for (const says of ['etcdserver: invalid auth token', 'etcdserver: revision of auth store is old']) {
    test(`is made once for a call, and not for ever where none is taken (${says})`, async () => {
      await using member = await connect(() => false, says);
      const refused = readKey(member.connection, 'lock');
      await assert.rejects(refused, (error) => error instanceof EtcdError && error.code === 'token');
      const calls = ['Auth/Authenticate', 'KV/Range', 'Auth/Authenticate', 'KV/Range'];
      assert.deepEqual(member.server.calls, calls);
    });
  }

  test('is shared by the calls that find the old one refused at the same time', async () => {
    await using member = await connect((token) => token === 'token 2', 'etcdserver: invalid auth token');
    await Promise.all(Array.from({ length: 10 }, () => readKey(member.connection, 'lock')));
    assert.equal(member.server.calls.filter((call) => call === 'Auth/Authenticate').length, 2);
  });

  test('that comes too late, or after the end of the run, is used for nothing any more', async () => {
    const slow = {
      'Auth/Authenticate': async () => {
        await sleep(600);
        return { header: HEADER, token: 'token' };
      },
      'KV/Compact': () => ({ header: HEADER }),
    };
    await using late = await connectFake({ unary: slow }, credentials);
    await assert.rejects(compactPhysically(ANY_PERMIT, late.connection, 1, 200), /no answer within/);
    const ended = new AbortController();
    await using over = await connectFake({ unary: slow }, credentials, ended.signal);
    const compacting = compactPhysically(ANY_PERMIT, over.connection, 1, 5_000);
    await sleep(100);
    ended.abort(new Failure('interrupted', 'the end'));
    await assert.rejects(compacting, /the end/);
    await sleep(1_000);
    assert.deepEqual(
      [...late.server.calls, ...over.server.calls],
      ['Auth/Authenticate', 'Auth/Authenticate'],
    );
  });

  test('is asked for again by the next call where signing in failed', async () => {
    let tries = 0;
    const answers = {
      'Auth/Authenticate': () => {
        tries += 1;
        if (tries === 1) throw new Refusal(status.INTERNAL, 'a fault');
        return { header: HEADER, token: 'token' };
      },
      'KV/Range': () => ({ header: HEADER }),
    };
    await using member = await connectFake({ unary: answers }, credentials);
    await assert.rejects(readKey(member.connection, 'lock'), /a fault/);
    assert.equal(await readKey(member.connection, 'lock'), undefined);
  });
});
