import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { TRAILER_BYTES } from '../../src/backup/proof.ts';
import { withChecksum } from '../support/bolt-file.ts';
import { type Tree, treeOf } from '../support/bolt-tree.ts';
import { byElement, nth } from '../support/bolt-damage/parts.ts';
import { VALUES } from '../support/bolt-damage/content.ts';
import type { Answering } from '../support/call-proxy.ts';
import { runEtcdctl } from '../support/etcdctl.ts';
import { fill } from '../support/fill.ts';
import { type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { frames } from '../support/snapshot-frames.ts';
import { filesBelow, onlyBackup } from '../support/stored-backup.ts';

/** As etcd has it. */
const PIECE_BYTES = 32_768;
const SNAPSHOT = 'Maintenance/Snapshot';
const BACKUP_ONLY = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };
const VALUE = 'the value that is the same everywhere';
const ROTTEN = 'the value that is the s_me everywhere';

/** What a member makes of its database before it sends it, with a checksum that fits. */
type Lie = (tree: Tree) => void;

const twice = byElement('', 'twice', (_, { elements }) => nth(elements, 0).child ?? 0);

const LIES: [name: string, lie: Lie, told: RegExp][] = [
  [
    'leads twice to one page',
    (tree) => void twice.damage(tree),
    /is damaged \(page \d+, bucket key: it is reached twice\)/,
  ],
  [
    'holds a value that is none',
    (tree) => void nth(VALUES, 0).damage(tree),
    /is damaged \(page \d+, bucket key: a value in it is no KeyValue of etcd\)/,
  ],
  [
    'holds another value',
    // Old pages have it too.
    ({ file }) => {
      for (let at = file.indexOf(VALUE); at >= 0; at = file.indexOf(VALUE, at)) file.write(ROTTEN, at);
    },
    /does not hold what the members said right before \(the hash of all keys at revision \d+ is \d+ instead of \d+\)/,
  ],
];

describe('a snapshot that is not sound, though its checksum fits', () => {
  let place: ProxiedCluster;

  before(async () => {
    place = await startProxiedCluster({ size: 3 });
    await fill(place.cluster, { keys: 400, valueBytes: 1000, overwrites: 2 });
    await place.cluster.etcdctl('put', '/registry/marker', VALUE);
  });
  beforeEach(() => place.proxies.forEach((proxy) => proxy.reset()));
  after(() => place[Symbol.asyncDispose]());

  /** What that member would send, with a lie in it. */
  async function liedBy(name: string, lie: Lie): Promise<Answering> {
    await using folder = await scratchFolder('snapshot');
    const path = join(folder.path, 'snapshot.db');
    const member = place.cluster.members.find((it) => it.name === name) ?? assert.fail(name);
    await runEtcdctl([member.clientUrl], {}, ['snapshot', 'save', path]);
    const file = (await readFile(path)).subarray(0, -TRAILER_BYTES);
    lie(treeOf(file));
    return answering(file);
  }

  /** Every member that is asked lies, or the first of them alone. @returns their names */
  function beLiedTo(lie: Lie, byAll = false): string[] {
    const asked: string[] = [];
    place.before(SNAPSHOT, async (name) => {
      asked.push(name);
      return byAll || asked.length === 1 ? liedBy(name, lie) : undefined;
    });
    return asked;
  }

  /** Runs the job into a store of its own. */
  async function run(env: Record<string, string>) {
    const folder = await scratchFolder('store');
    const result = await runJob(place.env({ ...env, BACKUP_STORE: `file://${folder.path}` }));
    return { result, folder };
  }

  for (const [name, lie, told] of LIES) {
    test(`costs a warning where another member can be asked: it ${name}`, async () => {
      const asked = beLiedTo(lie);
      const { result, folder } = await run(BACKUP_ONLY);
      await using store = folder;
      const report = assertRunEnded(result, 0, 'nothing-needed');
      assert.equal(asked.length, 2);
      assert.match(report.warnings.join(), told);
      assert.match(report.warnings.join(), new RegExp(`of ${asked[0]} .* once more, from ${asked[1]} `));
      const { manifest } = await onlyBackup(store.path);
      assert.equal(manifest.member.name, asked[1]);
      assert.ok(manifest.usage && manifest.hashKV);
    });

    test(`is refused where there is no better one, and nothing is changed: it ${name}`, async () => {
      const asked = beLiedTo(lie, true);
      const { result, folder } = await run({});
      await using store = folder;
      const report = assertRunEnded(result, 4, 'failed');
      assertSteps(report, { backup: ['failed', told], compact: 'skipped', defragment: 'skipped' });
      assert.match(report.steps.backup.reason, /take this one out of the cluster and add it anew, empty/);
      assert.match(report.steps.backup.reason, /Nothing was changed/);
      assert.equal(new Set(asked).size, 2);
      assert.deepEqual(await filesBelow(store.path), []);
    });
  }
});

/** As etcd sends it: in pieces, and the checksum last. */
const answering =
  (file: Buffer): Answering =>
  (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    for (let at = 0; at < file.length; at += PIECE_BYTES) {
      const piece = file.subarray(at, at + PIECE_BYTES);
      stream.write(frames({ remaining_bytes: file.length - at - piece.length, blob: piece }));
    }
    stream.end(frames({ remaining_bytes: 0, blob: withChecksum(file).subarray(-TRAILER_BYTES) }));
  };
