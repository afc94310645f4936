import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { type AgeKey, ageDecrypt, ageKey } from '../support/age.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { type JobResult, runJob, startJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { waitForTemporaryFile } from '../support/temporary-file.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { readKeys } from '../support/read-keys.ts';
import { decompress } from '../support/restored-cluster.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup, restoreBackup } from '../support/stored-backup.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const MIB = 2 ** 20;
const KEYS = 200;
const MARK = 'nobody-should-read-this';

describe('a backup that is encrypted', () => {
  let proxy: TcpProxy;
  let cluster: Cluster;
  let scratch: Scratch;
  let key: AgeKey;
  let other: AgeKey;

  before(async () => {
    cluster = await startCluster({
      advertise: async ({ clientUrl }) => {
        proxy = await startTcpProxy(clientUrl);
        return proxy.url;
      },
    });
    await fill(cluster, {
      prefix: `/registry/secrets/${MARK}/`,
      keys: KEYS,
      valueBytes: 16_384,
      overwrites: 2,
    });
    scratch = await scratchFolder('keys');
    key = await ageKey(scratch.path, 'operator');
    other = await ageKey(scratch.path, 'colleague');
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await scratch[Symbol.asyncDispose]();
  });

  const envFor = (store: string, more: Record<string, string> = {}): Record<string, string> => ({
    ...cluster.env,
    BACKUP_STORE: `file://${store}`,
    BACKUP_AGE_RECIPIENTS: `${key.recipient},${other.recipient}`,
    ...more,
  });

  for (const [compression, suffix] of [
    ['zstd', '.db.zst.age'],
    ['none', '.db.age'],
  ] as const) {
    test(`is opened by age with any of the operator's identities, and restored (${compression})`, async () => {
      await using store = await scratchFolder('store');
      const result = await runJob(envFor(store.path, { BACKUP_COMPRESSION: compression }));
      assertRunEnded(result, 0, 'nothing-needed');
      const { file, manifest } = await onlyBackup(store.path);
      assert.ok(file.endsWith(suffix), file);
      assert.deepEqual(manifest.encryption.recipients, [key.recipient, other.recipient]);
      assert.equal(manifest.compression, compression);
      const stored = await readFile(file);
      assert.deepEqual(manifest.stored, { size: stored.length, sha256: sha256(stored) });
      assert.ok(!stored.includes(MARK), 'and nothing of its content can be read');

      const plain = await ageDecrypt(file, other);
      const raw = await readFile(compression === 'zstd' ? await decompress(plain) : plain);
      assert.ok(raw.includes(MARK));
      assert.equal(sha256(raw.subarray(0, -32)), manifest.raw.sha256);
      await using restored = await restoreBackup({ file: plain });
      assert.equal((await readKeys(restored, '/registry/secrets/')).size, KEYS);
    });
  }

  test('leaves nothing of the key that it was proved with', async () => {
    await using store = await scratchFolder('store');
    await using home = await scratchFolder('home');
    const places = { HOME: home.path, TMPDIR: home.path };
    const result = await runJob(envFor(store.path, { LOG_LEVEL: 'trace', ...places }));
    assertRunEnded(result, 0, 'nothing-needed');
    assert.deepEqual(await readdir(home.path), [], 'no file but the backup');
    const { file, manifest } = await onlyBackup(store.path);
    const header = (await readFile(file)).toString('latin1').split('\n--- ', 1).join();
    assert.equal(header.match(/^-> X25519 /gm)?.length, 3, "two of the operator's, and the run's own");
    const told = [everythingTold(result), JSON.stringify(manifest)].join('\n');
    assert.doesNotMatch(told, /AGE-SECRET-KEY/i);
    const recipients = new Set(told.match(/age1[a-z0-9]{58}/g));
    assert.deepEqual(recipients, new Set([key.recipient, other.recipient]));
    await assert.rejects(ageDecrypt(file, await ageKey(scratch.path, 'stranger')), /no identity matched/);
  });

  test('is not taken for a backup when its file was tampered with before it was read back', async () => {
    await using store = await scratchFolder('store');
    const traces = await tracesOf(cluster);
    proxy.throttle(2 * MIB);
    await using job = await startJob(envFor(store.path));
    const part = await waitForTemporaryFile(store.path, MIB);
    const file = await open(part, 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 500_000);
    await file.write(Buffer.from([buffer.readUInt8(0) ^ 1]), 0, 1, 500_000);
    await file.close();
    const result = await job.finished;
    await proxy.reset();
    const report = assertRunEnded(result, 4, 'failed');
    assertSteps(report, {
      backup: ['failed', /the stored file cannot be decrypted: piece \d+ .*damaged where it is stored/],
    });
    assert.deepEqual(await filesBelow(store.path), []);
    await assertUntouched(cluster, traces, { locked: true });
  });

  test('is not even begun for a recipient that is none', async () => {
    await using store = await scratchFolder('store');
    const wrong = { BACKUP_AGE_RECIPIENTS: `${key.recipient},${other.recipient.slice(0, -1)}` };
    const result = await runJob(envFor(store.path, wrong));
    const report = assertRunEnded(result, 2, 'failed');
    assert.match(
      JSON.stringify(report),
      /BACKUP_AGE_RECIPIENTS has an item, number 2, that is no key of age/,
    );
    assert.deepEqual(await filesBelow(store.path), []);
  });
});

const everythingTold = ({ stdout, stderr, terminationMessage }: JobResult): string =>
  [stdout, stderr, terminationMessage].join('\n');

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
