import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { loadConfig } from '../../../src/config/config.ts';
import { Failure } from '../../../src/errors.ts';
import { type ClusterClient, discover } from '../../../src/etcd/cluster/discover.ts';
import { type ClusterPki, prepareLayout } from '../../support/cluster-layout.ts';
import { type Listed, startFakeMember } from '../../support/fake-member.ts';
import { freePort } from '../../support/free-port.ts';
import { startTrap } from '../../support/plain-trap.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const folder = await scratchFolder('pki');
after(() => folder[Symbol.asyncDispose]());
const { pki } = await prepareLayout(folder.path, { tls: true });

interface Asked {
  pki?: ClusterPki | undefined;
  env?: Record<string, string>;
}

/** Finds the members as a run does; connecting may take a second. */
function find(endpoints: string, { pki: tls, env = {} }: Asked = {}): Promise<ClusterClient> {
  const files = tls && { ETCDCTL_CACERT: tls.ca, ETCDCTL_CERT: tls.client.cert, ETCDCTL_KEY: tls.client.key };
  const { etcd } = loadConfig({ ETCDCTL_ENDPOINTS: endpoints, ETCDCTL_DIAL_TIMEOUT: '1s', ...files, ...env });
  return discover(etcd, new AbortController().signal);
}

async function secondsOf<T>(work: Promise<T>): Promise<[T, number]> {
  const begin = performance.now();
  const result = await work;
  return [result, (performance.now() - begin) / 1000];
}

const listed = (id: number, ...clientURLs: string[]): Listed => ({
  ID: String(id),
  name: `m${id}`,
  clientURLs,
});
const unstarted = (id: number): Listed => ({ ID: String(id) });
const others = (count: number): Listed[] => Array.from({ length: count }, (_, index) => unstarted(index + 2));

const failure = (pattern: RegExp) => (error: unknown) =>
  error instanceof Failure && error.kind === 'unreachable' && pattern.test(error.message);

describe('an address that a member advertises, where https was given', () => {
  const password = { ETCDCTL_USER: 'root:pw' };
  for (const [what, spell] of [
    ['http', (address: string) => `http://${address}`],
    ['http in capitals', (address: string) => `HTTP://${address}/`],
    ['no scheme', (address: string) => address],
    ["gRPC's dns:", (address: string) => `dns:${address}`],
    ["gRPC's dns:///", (address: string) => `dns:///${address}`],
    ["gRPC's ipv4:", (address: string) => `ipv4:${address}`],
  ] as const) {
    for (const env of [{}, password]) {
      const how = env === password ? 'with a password' : 'without a password';
      test(`${what}: nothing is sent there in plain text, ${how}`, async () => {
        await using trap = await startTrap();
        const members = [listed(1), listed(2, spell(trap.address))];
        await using member = await startFakeMember({ members, pki });
        using client = await find(member.url, { pki, env });
        assert.deepEqual([...client.connections.keys()], ['1']);
        assert.ok(client.unreachable.has('2'));
        assert.equal(trap.bytes().toString('latin1').includes('PRI * HTTP/2'), false);
        assert.equal(trap.connections(), what === 'no scheme' ? 1 : 0);
      });
    }
  }
});

test('eight times the same dead address costs one time-out, also in the lists of others and in other spellings', async () => {
  await using trap = await startTrap();
  const dead = [`http://${trap.address}`, `http://${trap.address}/`, `HTTP://${trap.address}`, trap.address];
  const members = [listed(1, ...dead, ...dead), listed(2, ...dead), listed(3, ...dead)];
  await using member = await startFakeMember({ members });
  const [client, seconds] = await secondsOf(find(member.url));
  using _closed = client;
  assert.equal(trap.connections(), 1);
  assert.ok(seconds < 5, `took ${seconds} s`);
  assert.deepEqual([...client.connections.keys()], ['1']);
});

test('four hundred members at dead addresses cost a bounded time, and the rest are told of', async () => {
  await using traps = new AsyncDisposableStack();
  const dead: string[] = [];
  for (let count = 0; count < 80; count += 1) dead.push(traps.use(await startTrap()).address);
  const silent = Array.from({ length: 399 }, (_, index) =>
    listed(index + 2, `http://${dead[index % 80]}`, `http://${dead[(index + 1) % 80]}`),
  );
  await using member = await startFakeMember({ members: [listed(1), ...silent] });
  const [client, seconds] = await secondsOf(find(member.url));
  using _closed = client;
  assert.deepEqual([...client.connections.keys()], ['1']);
  assert.equal(client.unreachable.size, 399);
  assert.match(
    [...client.unreachable.values()].join('\n'),
    /not asked, as 64 other advertised addresses were/,
  );
  assert.ok(seconds < 20, `took ${seconds} s`);
});

describe('a member list that cannot be one', () => {
  for (const [what, members, pattern] of [
    [
      'ten thousand members',
      [listed(1), ...others(9_999)],
      /names 10000 members, and more than 500 are not believed/,
    ],
    ['a member twice', [listed(1), listed(2), listed(2)], /names a member twice/],
    ['no member at all', [], /it is no member .* without its own ID, 1|the member list is empty/],
    ['everybody but itself', [listed(2)], /it is no member .* without its own ID, 1/],
    [
      'members without IDs',
      [listed(0), listed(0)],
      /grpc-proxy and no member .*Give the members' own addresses/,
    ],
  ] as const) {
    test(`${what}: exit 3, and it says so`, async () => {
      await using member = await startFakeMember({ members });
      await assert.rejects(find(member.url), failure(pattern));
    });
  }

  test('another endpoint is asked instead', async () => {
    await using liar = await startFakeMember({ members: [listed(1), ...others(9_999)] });
    await using member = await startFakeMember({ id: '2', members: [listed(1), listed(2)] });
    using client = await find(`${liar.url},${member.url}`);
    assert.deepEqual(
      client.members.map(({ id }) => id),
      ['1', '2'],
    );
    assert.match(client.warnings.join(), /did not answer: its member list names 10000 members/);
  });
});

test('lists that contradict each other: everybody counts, and whoever is not in all of them is not well', async () => {
  await using one = await startFakeMember({ members: [listed(1), listed(2)], applied: 9 });
  await using two = await startFakeMember({
    id: '2',
    members: [listed(1), listed(2), listed(3)],
    applied: 8,
  });
  await using three = await startFakeMember({
    id: '3',
    members: [listed(1), listed(2), listed(3)],
    applied: 7,
  });
  using client = await find([one.url, two.url, three.url].join());
  assert.deepEqual(
    client.members.map(({ id }) => id),
    ['1', '2', '3'],
  );
  assert.deepEqual(
    client.members.map(({ problem }) => problem !== undefined),
    [false, false, true],
  );
  assert.ok(client.members[2]?.problem?.includes(`no voting member in that of ${one.url}`));
});

test('a member whom only the list of another member names is looked for too, and nothing is changed', async () => {
  await using three = await startFakeMember({ id: '3', members: [listed(1), listed(2), listed(3)] });
  const whole = [listed(1), listed(2), listed(3, three.url)];
  await using two = await startFakeMember({ id: '2', members: whole });
  await using one = await startFakeMember({ members: [listed(1), listed(2, two.url)] });
  using client = await find(one.url);
  assert.deepEqual([...client.connections.keys()], ['1', '2', '3']);
  assert.ok(client.members[2]?.problem?.includes(`no voting member in that of ${one.url}`));
});

test('a voting member that one list has as a learner counts as voting, and is not well', async () => {
  const promoted = { ...listed(2), isLearner: true };
  await using one = await startFakeMember({ members: [listed(1), listed(2)] });
  await using two = await startFakeMember({ id: '2', members: [listed(1), promoted], applied: 10 });
  using client = await find([one.url, two.url].join());
  assert.deepEqual(
    client.members.map(({ learner }) => learner),
    [false, false],
  );
  assert.match(client.members[1]?.problem ?? '', /it is no voting member in that of/);
});

test('a name of any length is cut', async () => {
  await using member = await startFakeMember({ members: [{ ...listed(1), name: 'n'.repeat(100_000) }] });
  using client = await find(member.url);
  assert.equal(client.members[0]?.name.length, 128);
});

test("a host with the name of one of gRPC's schemes is looked up as any other", async () => {
  await assert.rejects(
    find(`http://unix:${await freePort()}`),
    failure(/Name resolution failed for target dns:unix:\d+|EAI_AGAIN|ENOTFOUND|ECONNREFUSED/),
  );
});
