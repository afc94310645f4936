import assert from 'node:assert/strict';
import { open, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fill } from '../support/fill.ts';
import { mountTmpfs } from '../support/mount-tmpfs.ts';
import { startProxiedCluster } from '../support/proxied-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { memberOf } from '../support/run-report.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { MIB } from '../support/units.ts';

/** Too little for a second copy of the database, and enough for what etcd writes beside. */
const LEFT = 2 * MIB;

/** etcd 3.7 does not look for it any more. */
const REMOVED_AT_START: ReadonlySet<string> = new Set(['3.5', '3.6']);

for (const version of ['3.5', '3.6', '3.7'] as const) {
  test(`etcd ${version} whose disk has no room for the second copy: it is said what lies there now`, async () => {
    await using folder = await scratchFolder('small');
    await using disk = await mountTmpfs(join(folder.path, 'disk'), 'size=200m');
    await using proxied = await startProxiedCluster({ version, dataDir: disk.path });
    const { cluster } = proxied;
    await fill(cluster, { keys: 200, valueBytes: 60_000 });
    proxied.before('Maintenance/Defragment', () => fillDisk(disk.path));
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(report, {
      backup: 'done',
      defragment: [
        'failed',
        /^m0 \([0-9a-f]+\): its defragmentation ended with an error: its disk is full \(.*no space left on device\), and its file is no smaller than before .* A second copy \(db\.tmp\.\*\) may have been left .*member\/snap of its data directory.* remove it while nothing defragments the member/,
      ],
    });
    assert.equal(memberOf(report, 'm0').defragmented, false);
    const snap = join(cluster.member(0).dataDir, 'member', 'snap');
    const left = async () => (await readdir(snap)).filter((name) => name.startsWith('db.tmp.'));
    assert.equal((await left()).length, 1, 'this is what the words are about');
    await disk.remount('size=400m');
    await cluster.restart(cluster.member(0));
    const gone = REMOVED_AT_START.has(version);
    assert.equal((await left()).length, gone ? 0 : 1, 'what docs/troubleshooting.md says of a start');
  });
}

/** All of it but a little. */
async function fillDisk(path: string): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  await using file = await open(join(path, 'other data'), 'w');
  const piece = Buffer.alloc(MIB);
  for (let left = bavail * bsize - LEFT; left > 0; left -= MIB) await file.write(piece);
}
