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
  assert.ok(seconds < 2.5, `took ${seconds} s`);
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
