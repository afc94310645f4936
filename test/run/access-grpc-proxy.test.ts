import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { startGrpcProxy } from '../support/grpc-proxy.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup } from '../support/stored-backup.ts';

const cluster = await startCluster({ size: 3 });
after(() => cluster[Symbol.asyncDispose]());
await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 10 });
const members = cluster.members.map(({ clientUrl }) => clientUrl);
const settings = { COMPACTION_RETENTION: '5', DEFRAG_ENABLED: 'false' };

/** Waits for the key that a proxy writes of itself. */
async function registered(prefix: string): Promise<void> {
  while ((await cluster.etcdctl('get', '--prefix', '--keys-only', prefix)).trim() === '') await sleep(20);
}

describe("etcd's grpc-proxy is the only endpoint: exit 3, it is named, and nothing untrue is told", () => {
  for (const [what, options, env] of [
    ['as it is', {}, {}],
    ['DISCOVER_MEMBERS=false', {}, { DISCOVER_MEMBERS: 'false' }],
    ['registered under a prefix', { resolverPrefix: '/proxies' }, {}],
    // Whoever advertises a member's address for it: the list is still the proxy's.
    ['before a member whose address it advertises', { advertised: members[0] }, {}],
  ] as const) {
    test(what, async () => {
      await using store = await scratchFolder('store');
      await using proxy = await startGrpcProxy(members, options);
      if ('resolverPrefix' in options) await registered(options.resolverPrefix);
      const before = await tracesOf(cluster);
      const result = await runJob({
        ...settings,
        ...env,
        ETCDCTL_ENDPOINTS: proxy.url,
        BACKUP_STORE: `file://${store.path}`,
      });
      const report = assertRunEnded(result, 3, 'failed');
      assert.ok(
        report.error?.startsWith(
          `not one voting member could be asked (${proxy.url}: it is etcd's grpc-proxy`,
        ),
        report.error,
      );
      assert.match(report.error ?? '', /Give the members' own addresses in ETCDCTL_ENDPOINTS/);
      assert.doesNotMatch(result.stdout, /no leader|takes no writes/);
      await assertUntouched(cluster, before);
      assert.deepEqual(await filesBelow(store.path), []);
    });
  }
});

describe('a grpc-proxy beside a member: the members are those of the member, and the report warns of the proxy', () => {
  for (const discover of ['true', 'false'] as const) {
    test(`DISCOVER_MEMBERS=${discover}`, async () => {
      await using store = await scratchFolder('store');
      await using proxy = await startGrpcProxy(members);
      const given = discover === 'true' ? members.slice(0, 1) : members;
      const result = await runJob({
        ...settings,
        ETCDCTL_ENDPOINTS: [proxy.url, ...given].join(),
        DISCOVER_MEMBERS: discover,
        BACKUP_STORE: `file://${store.path}`,
      });
      assert.equal(result.code, 0, result.stdout);
      const { report } = result;
      const { members: seen, warnings } = assertRunEnded(
        result,
        0,
        report?.outcome === 'ok' ? 'ok' : 'nothing-needed',
      );
      assert.deepEqual(seen.map(({ name }) => name).toSorted(), ['m0', 'm1', 'm2']);
      assert.equal(warnings.length, 1);
      assert.ok(
        warnings[0]?.startsWith(`${proxy.url} of ETCDCTL_ENDPOINTS is not used: it is etcd's grpc-proxy`),
      );
      await onlyBackup(store.path);
    });
  }
});

test('a member that advertises a grpc-proxy is not asked through it: backed up, the rest left alone, exit 5', async () => {
  await using stack = new AsyncDisposableStack();
  const three = stack.use(
    await startCluster({
      size: 3,
      advertise: async ({ index, clientUrl }) =>
        index === 0 ? clientUrl : stack.use(await startGrpcProxy([clientUrl])).url,
    }),
  );
  await fill(three, { keys: 5, valueBytes: 1_000, overwrites: 10 });
  await using store = await scratchFolder('store');
  const { clientUrl, id } = three.member(0);
  const report = assertRunEnded(
    await runJob({ ...settings, ETCDCTL_ENDPOINTS: clientUrl, BACKUP_STORE: `file://${store.path}` }),
    5,
    'partial',
  );
  assertSteps(report, { backup: 'done', compact: 'refused' });
  assert.equal(report.problems.filter((text) => text.includes("it is etcd's grpc-proxy")).length, 2);
  assert.equal((await onlyBackup(store.path)).manifest.member.id, id);
});
