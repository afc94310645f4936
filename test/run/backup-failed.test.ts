import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { flipAfter } from '../support/flip-bit.ts';
import { type Job, type JobResult, type LogLine, startJob } from '../support/run-job.ts';
import { waitForTemporaryFile } from '../support/temporary-file.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settledSize } from '../support/settled-size.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const MIB = 2 ** 20;

/** So that a run that went on in spite of its backup would compact and defragment, which the assertions would see. */
const EAGER = {
  COMPACTION_RETENTION: '1',
  DEFRAG_WAIT: '0s',
  DEFRAG_MIN_DB_SIZE: '1Mi',
  DEFRAG_MIN_FRAGMENTATION: '0.05',
};

describe('a backup that fails leaves nothing in the store and changes nothing', () => {
  const proxies: TcpProxy[] = [];
  let cluster: Cluster;
  let dbSize: number;

  before(async () => {
    cluster = await startCluster({
      size: 3,
      advertise: async ({ clientUrl }) => {
        const proxy = await startTcpProxy(clientUrl);
        proxies.push(proxy);
        return proxy.url;
      },
    });
    await fill(cluster, { keys: 100, valueBytes: 16_384, overwrites: 4 });
    dbSize = await settledSize(cluster);
  });

  beforeEach(async () => {
    await Promise.all(proxies.map((proxy) => proxy.reset()));
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  });

  const everywhere = (fault: (proxy: TcpProxy) => void) => proxies.forEach(fault);

  /** Runs the job, has `during` break its backup, and looks at what is left. */
  async function failing(
    env: Record<string, string>,
    during: (job: Job, store: string) => Promise<void> = async () => {},
    repair: () => Promise<void> = async () => {},
  ): Promise<{ result: JobResult; reason: string; ms: number }> {
    await using store = await scratchFolder('store');
    const traces = await tracesOf(cluster);
    await using job = await startJob({
      ...cluster.env,
      ...EAGER,
      ETCDCTL_DIAL_TIMEOUT: '3s',
      ETCDCTL_COMMAND_TIMEOUT: '6s',
      BACKUP_STORE: `file://${store.path}`,
      ...env,
    });
    await during(job, store.path);
    const result = await job.finished;
    const report = assertRunEnded(result, 4, 'failed');
    assertSteps(report, {
      backup: ['failed', /Nothing was changed/i],
      prune: 'skipped',
      compact: 'skipped',
      defragment: 'skipped',
      disarm: 'skipped',
    });
    assert.deepEqual(await filesBelow(store.path), []);
    await repair();
    await assertUntouched(cluster, traces, { locked: true });
    return { result, reason: report.steps.backup.reason, ms: report.steps.backup.durationMs };
  }

  /** The member that the run said it would take the snapshot from. */
  async function chosenBy(job: Job) {
    const { backup } = await job.waitForLine(({ msg }) => msg === 'plan');
    const name = /\bm\d\b/.exec(String(backup))?.[0];
    const member = cluster.members.find((one) => one.name === name);
    const proxy = proxies[member?.index ?? -1];
    assert.ok(member && proxy, `no member in: ${String(backup)}`);
    return { member, proxy };
  }

  test('when the stream is cut at 99 %', async () => {
    everywhere((proxy) => proxy.cutAfter(Math.floor(dbSize * 0.99)));
    const { reason, result } = await failing({});
    assert.match(reason, /the backup of m\d .* before the answer was complete.*; and once more, from m\d/);
    assert.equal(result.lines.filter(isSecondTry).length, 1);
  });

  for (const compression of ['none', 'zstd']) {
    test(`when one bit of the data is flipped on the wire (${compression})`, async () => {
      everywhere((proxy) => proxy.flipBitAt(Math.floor(dbSize / 2)));
      const { reason } = await failing({ BACKUP_COMPRESSION: compression });
      assert.match(reason, /does not match etcd's own checksum.*damaged on its way/);
    });
  }

  // How 3.6 sends a snapshot: frames with a head of 9 bytes, in them messages with a head of 5 (the last 4 their
  // length), in these `10` and the bytes still to come (4 bytes for what is here), `1a`, the blob's length and the
  // blob, and `22 05 "3.6.0"`, the version. The last message has the checksum for a blob, and nothing is to come.
  const version = '2205332e362e30';
  const wire = {
    "etcd's checksum": {
      marker: '00000000291a20',
      offset: 7 + 16,
      reason: /does not match etcd's own checksum/,
    },
    "a blob's length": { marker: version, offset: 7 + 9 + 5 + 1 + 4 + 1, reason: /in the snapshot stream/ },
    "a message's length": { marker: version, offset: 7 + 9 + 4, reason: /in the snapshot stream/ },
    "a frame's length": { marker: version, offset: 7 + 2, reason: /connection broke/ },
    "a frame's kind": { marker: version, offset: 7 + 3, reason: /connection broke/ },
  };
  for (const [what, { marker, offset, reason }] of Object.entries(wire)) {
    test(`when one bit of ${what} is flipped on the wire`, async () => {
      everywhere((proxy) => proxy.tamper(flipAfter(Buffer.from(marker, 'hex'), offset)));
      const failure = await failing({});
      assert.match(failure.reason, reason);
    });
  }

  test('when the connection hangs in the middle: within BACKUP_TIMEOUT', async () => {
    everywhere((proxy) => proxy.throttle(3 * MIB));
    const { reason, ms, result } = await failing(
      { BACKUP_COMPRESSION: 'none', BACKUP_TIMEOUT: '3s' },
      async (job, folder) => {
        const { proxy } = await chosenBy(job);
        await waitForTemporaryFile(folder, MIB);
        proxy.hang();
      },
      async () => everywhere((proxy) => void proxy.reset()),
    );
    assert.match(reason, /longer than BACKUP_TIMEOUT \(3 s\)/);
    assert.ok(!result.lines.some(isSecondTry), 'no time is left for it');
    assert.ok(ms >= 3_000 && ms < 20_000, `${ms} ms`);
  });

  test('when the member hangs before the first byte: within BACKUP_TIMEOUT too', async () => {
    everywhere((proxy) => proxy.delay(100));
    const { reason, ms } = await failing(
      { BACKUP_TIMEOUT: '2s', ETCDCTL_COMMAND_TIMEOUT: '30s' },
      async (job) => {
        const { proxy } = await chosenBy(job);
        await job.waitForLine(({ step }) => step === 'lock');
        proxy.hang();
        setTimeout(() => void proxy.reset(), 2_500).unref(); // for what is read at the end of the run
      },
    );
    assert.match(reason, /longer than BACKUP_TIMEOUT \(2 s\)/);
    assert.ok(ms >= 2_000 && ms < 20_000, `${ms} ms`);
  });

  test('when it takes longer than BACKUP_TIMEOUT', async () => {
    everywhere((proxy) => proxy.throttle(MIB));
    const { reason, ms } = await failing({ BACKUP_TIMEOUT: '2s' });
    assert.match(reason, /longer than BACKUP_TIMEOUT \(2 s\)/);
    assert.ok(ms >= 2_000 && ms < 20_000, `${ms} ms`);
  });

  for (const compression of ['none', 'zstd']) {
    test(`when the store reads back differently from what was written (${compression})`, async () => {
      everywhere((proxy) => proxy.throttle(5 * MIB));
      const { reason, result } = await failing({ BACKUP_COMPRESSION: compression }, async (_, folder) => {
        const part = await waitForTemporaryFile(folder, MIB);
        await flipByte(part, 500_000);
      });
      assert.match(reason, /damaged where it is stored|reads back differently/);
      assert.ok(!result.lines.some(isSecondTry), 'no other member can mend the store');
    });
  }
});

const isSecondTry = ({ msg }: LogLine): boolean => msg === 'backup broke off, begun once more';

/** As a failing disk would, under the feet of the run that is still writing. */
async function flipByte(path: string, position: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte.writeUInt8(byte.readUInt8(0) ^ 1);
  await file.write(byte, 0, 1, position);
}
