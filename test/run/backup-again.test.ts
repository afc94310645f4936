import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import type { Member } from '../support/etcd-member.ts';
import { fill } from '../support/fill.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { type Job, startJob } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settledSize } from '../support/settled-size.ts';
import { onlyBackup, restoreBackup } from '../support/stored-backup.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { waitForTemporaryFile } from '../support/temporary-file.ts';

const MIB = 2 ** 20;
const QUICK = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false', ETCDCTL_COMMAND_TIMEOUT: '6s' };

/** A cluster of that many members, each behind a proxy, with 8 MiB of data. */
async function startSite(size: number) {
  const proxies: TcpProxy[] = [];
  const cluster = await startCluster({
    size,
    advertise: async ({ clientUrl }) => {
      const proxy = await startTcpProxy(clientUrl);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  await fill(cluster, { keys: 100, valueBytes: 16_384, overwrites: 4 });
  const dbSize = await settledSize(cluster);
  const end = async () => {
    await cluster[Symbol.asyncDispose]();
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  };
  return { cluster, proxies, dbSize, end };
}

/** The member that the run said it would take the snapshot from. */
async function chosenBy(job: Job, cluster: Cluster): Promise<Member> {
  const { backup } = await job.waitForLine(({ msg }) => msg === 'plan');
  const member = cluster.members.find(({ id }) => String(backup).includes(id));
  assert.ok(member, `no member in: ${String(backup)}`);
  return member;
}

describe('a backup that breaks off is begun once more at the next best member', () => {
  let site: Awaited<ReturnType<typeof startSite>>;

  before(async () => {
    site = await startSite(3);
  });
  beforeEach(() => Promise.all(site.proxies.map((proxy) => proxy.reset())));
  after(() => site.end());

  /** Runs the job, has `during` break its first try, and holds its second one against what the job tells of it. */
  async function assertSecondTry(
    env: Record<string, string>,
    during: (chosen: Member, proxy: TcpProxy, folder: string) => Promise<void>,
    why: RegExp,
  ): Promise<void> {
    const { cluster, proxies } = site;
    await using store = await scratchFolder('store');
    for (const proxy of proxies) proxy.throttle(3 * MIB);
    await using job = await startJob({
      ...cluster.env,
      ...QUICK,
      ...env,
      BACKUP_STORE: `file://${store.path}`,
    });
    const first = await chosenBy(job, cluster);
    const proxy = proxies[first.index];
    assert.ok(proxy);
    await during(first, proxy, store.path);
    const result = await job.finished;
    const report = assertRunEnded(result, 0, 'nothing-needed');
    const stored = await onlyBackup(store.path);
    const served = stored.manifest.member;
    assert.notEqual(served.id, first.id);
    assert.deepEqual(report.backup?.member, served);
    assert.match(report.steps.backup.reason, new RegExp(`of ${served.name} \\(${served.id}\\), read back`));
    const warning = report.warnings.find((one) => one.includes('begun once more'));
    assert.match(String(warning), why);
    assert.match(
      String(warning),
      new RegExp(`of ${first.name} .* broke off .*, from ${served.name} \\(${served.id}\\)$`),
    );
    const line = result.lines.find(({ msg }) => msg === 'backup broke off, begun once more');
    assert.match(String(line?.member), new RegExp(first.id));
    assert.match(String(line?.reason), why);
    if (!first.running) await first.start();
    await using restored = await restoreBackup(stored);
    assert.match(
      await restored.etcdctl('get', '/registry/', '--prefix', '--count-only', '-w', 'fields'),
      /100/,
    );
  }

  test('when the member is killed in the middle of the snapshot', () =>
    assertSecondTry(
      { BACKUP_COMPRESSION: 'none' },
      async (first, _proxy, folder) => {
        await waitForTemporaryFile(folder, MIB);
        await first.kill();
      },
      /the connection (was cut|broke) before/,
    ));

  test('when the connection is cut just before the end', () =>
    assertSecondTry(
      {},
      async (_first, proxy) => proxy.cutAfter(Math.floor(site.dbSize * 0.99)),
      /before the answer was complete/,
    ));

  test('when one bit is flipped on the wire', () =>
    assertSecondTry(
      {},
      async (_first, proxy) => proxy.flipBitAt(Math.floor(site.dbSize / 2)),
      /does not match etcd's own checksum/,
    ));

  test('when the member does not answer any more', () =>
    assertSecondTry(
      { ETCDCTL_COMMAND_TIMEOUT: '1s', ETCDCTL_DIAL_TIMEOUT: '1s' },
      async (_first, proxy) => proxy.hang(),
      /no answer|Deadline|no status|no connection/i,
    ));
});

test('a backup of the only member is begun once more there', async () => {
  const { cluster, proxies, dbSize, end } = await startSite(1);
  try {
    await using store = await scratchFolder('store');
    proxies[0]?.cutAfter(Math.floor(dbSize / 2));
    const job = await startJob({ ...cluster.env, ...QUICK, BACKUP_STORE: `file://${store.path}` });
    const report = assertRunEnded(await job.finished, 0, 'nothing-needed');
    const { manifest } = await onlyBackup(store.path);
    assert.equal(manifest.member.id, cluster.member(0).id);
    assert.equal(report.warnings.length, 1);
    assert.match(
      String(report.warnings[0]),
      /broke off .*once more, from the same member, for want of another$/,
    );
  } finally {
    await end();
  }
});
