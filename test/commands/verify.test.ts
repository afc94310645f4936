import assert from 'node:assert/strict';
import { copyFile, cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Manifest } from '../../src/backup/manifest.ts';
import { sha256 } from '../backup/chunks.ts';
import { withChecksum } from '../support/bolt-file.ts';
import { fill } from '../support/fill.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { runCommand, assertCommandEnded, jsonOf, assertCommandRefused } from './run-command.ts';
import { startBackedUpCluster, type BackedUpCluster } from './backed-up-cluster.ts';

let backedUp: BackedUpCluster;
/** Oldest first. */
let names: string[];

before(async () => {
  backedUp = await startBackedUpCluster();
  await fill(backedUp.cluster, { keys: 20, valueBytes: 10_000, overwrites: 2 });
  names = [await backedUp.backUp(), await backedUp.backUp({ BACKUP_COMPRESSION: 'none' })];
  await fill(backedUp.cluster, { keys: 1, valueBytes: 10 });
  names.push(await backedUp.backUp());
});

after(() => backedUp[Symbol.asyncDispose]());

const nameAt = (index: number): string => names.at(index) ?? assert.fail(`no backup ${index}`);

test('verify takes the newest backup, a name, or all, and changes nothing', async () => {
  const files = await filesBelow(backedUp.root);
  const namesIn = async (...args: string[]): Promise<unknown> => {
    const { backups } = await jsonOf(['verify', ...args], backedUp.env);
    assert.ok(backups.every(({ whole }: { whole: boolean }) => whole));
    return backups.map(({ name }: { name: string }) => name);
  };
  assert.deepEqual(await namesIn(), [nameAt(-1)]);
  assert.deepEqual(await namesIn('latest'), [nameAt(-1)]);
  assert.deepEqual(await namesIn(nameAt(1)), [nameAt(1)]);
  assert.deepEqual(await namesIn('all'), names.toReversed());
  assert.deepEqual(await filesBelow(backedUp.root), files);
});

test('verify is a table for people', async () => {
  const { stdout, stderr } = assertCommandEnded(await runCommand(['verify', 'all'], backedUp.env), 0);
  const [head = '', ...rows] = stdout.trimEnd().split('\n');
  assert.match(head, /^NAME +STORED +RAW +TOOK +WHOLE$/);
  assert.equal(rows.length, 3);
  for (const row of rows) assert.match(row, / yes$/);
  assert.equal(stderr, '');
});

test('verify refuses what is no name, and says when there is no such backup', async () => {
  await assertCommandRefused(['verify', 'newest'], backedUp.env, 2, /"newest" is no backup's name/);
  await assertCommandRefused(['verify', `${nameAt(0)}.json`], backedUp.env, 2, /is no backup's name/);
  await assertCommandRefused(['verify', `../prod/${nameAt(0)}`], backedUp.env, 2, /is no backup's name/);
  await assertCommandRefused(
    ['verify', '20200101T000000Z-1.db'],
    backedUp.env,
    4,
    /there is no backup 20200101T000000Z-1\.db/,
  );
});

interface Damage {
  what: string;
  /** Which backup; the last one when left out. */
  at?: number;
  /** Spoils a copy of the store. */
  spoil: (file: string, folder: string) => Promise<void>;
  problem: RegExp;
}

const DAMAGE: Damage[] = [
  {
    what: 'a bit that turned over in the middle',
    spoil: (file) => flip(file),
    problem: /cannot be decompressed|does not match etcd's own checksum/,
  },
  {
    what: 'a bit that turned over where nothing is compressed',
    at: 1,
    spoil: (file) => flip(file),
    problem: /does not match etcd's own checksum/,
  },
  {
    what: 'a file that was cut short',
    spoil: (file) => truncate(file, 5000),
    problem: /it has 5000 bytes, and its manifest says \d+/,
  },
  {
    what: 'a file that was cut short, and a manifest that was made to fit',
    at: 1,
    spoil: async (file) => {
      await truncate(file, 512 * 20 + 32);
      await edit(file, (manifest) => ({ ...manifest, stored: { ...manifest.stored, size: 512 * 20 + 32 } }));
    },
    problem: /does not match etcd's own checksum/,
  },
  {
    what: 'another whole snapshot under its name',
    spoil: async (file, folder) => {
      const other = join(folder, nameAt(0));
      await copyFile(other, file);
      const { size } = JSON.parse(await readFile(`${other}.json`, 'utf8')).stored;
      await edit(file, (manifest) => ({ ...manifest, stored: { ...manifest.stored, size } }));
    },
    problem: /the stored file is not what its manifest says \(\d+ bytes, SHA-256 [0-9a-f]{64}, instead of/,
  },
  {
    what: 'what is no database, though every checksum fits',
    at: 1,
    spoil: async (file) => {
      const zeros = Buffer.alloc(512);
      const snapshot = withChecksum(zeros);
      await writeFile(file, snapshot);
      const raw = { size: zeros.length, sha256: snapshot.subarray(-32).toString('hex') };
      const stored = { size: snapshot.length, sha256: sha256(snapshot).toString('hex') };
      await edit(file, (manifest) => ({ ...manifest, raw, stored }));
    },
    problem: /the snapshot is no database of etcd's: .*magic number: it was damaged where it is stored/,
  },
  {
    what: 'a manifest that tells of another database',
    spoil: (file) =>
      edit(file, (manifest) => ({ ...manifest, raw: { ...manifest.raw, sha256: '0'.repeat(64) } })),
    problem: /the database in it is not what its manifest says/,
  },
  {
    what: 'no manifest',
    spoil: (file) => rm(`${file}.json`),
    problem: /it has no manifest/,
  },
  {
    what: 'a manifest alone',
    spoil: (file) => rm(file),
    problem: /its data file is missing/,
  },
  {
    what: 'a manifest that is no JSON',
    spoil: (file) => truncate(`${file}.json`, 100),
    problem: /its manifest cannot be used: it is not JSON/,
  },
  {
    what: "another backup's manifest",
    spoil: (file, folder) => copyFile(join(folder, `${nameAt(0)}.json`), `${file}.json`),
    problem: /its manifest is that of /,
  },
  {
    what: "another cluster's manifest",
    spoil: (file) =>
      edit(file, (manifest) => ({ ...manifest, cluster: { ...manifest.cluster, name: 'dev' } })),
    problem: /it is a backup of the cluster dev, not of prod/,
  },
];

describe('damage', () => {
  for (const { what, at = -1, spoil, problem } of DAMAGE) {
    test(`${what}: verify tells it, and fetch writes nothing`, async () => {
      await using scratch = await scratchFolder('store');
      const folder = join(scratch.path, 'prod');
      await cp(backedUp.folder, folder, { recursive: true });
      const name = nameAt(at);
      await spoil(join(folder, name), folder);
      const env = { BACKUP_STORE: `file://${scratch.path}` };
      const { backups } = await jsonOf(['verify', name], env, 4);
      assert.equal(backups.length, 1);
      assert.equal(backups[0].whole, false);
      assert.match(backups[0].problem, problem);

      const { stdout, stderr } = assertCommandEnded(await runCommand(['verify', 'all'], env), 4);
      assert.equal(stdout.split('\n').filter((line) => line.endsWith(' yes')).length, 2, stdout);
      assert.match(stderr, /1 of 3 backups cannot be used/);

      await using out = await scratchFolder('out');
      const target = join(out.path, 'snapshot.db');
      await assertCommandRefused(
        ['fetch', name, target],
        env,
        4,
        new RegExp(`the backup ${name} cannot be used`),
        problem,
      );
      assert.deepEqual(await filesBelow(out.path), []);
    });
  }

  test('in the newest backup is told, and no older one is taken for it', async () => {
    await using scratch = await scratchFolder('store');
    await cp(backedUp.folder, join(scratch.path, 'prod'), { recursive: true });
    await flip(join(scratch.path, 'prod', nameAt(-1)));
    await using out = await scratchFolder('out');
    const env = { BACKUP_STORE: `file://${scratch.path}` };
    await assertCommandRefused(['fetch', 'latest', join(out.path, 'db')], env, 4, new RegExp(nameAt(-1)));
    assert.deepEqual(await filesBelow(out.path), []);
  });

  test('latest passes over what has no manifest, and says so', async () => {
    await using scratch = await scratchFolder('store');
    await cp(backedUp.folder, join(scratch.path, 'prod'), { recursive: true });
    await rm(join(scratch.path, 'prod', `${nameAt(-1)}.json`));
    const result = assertCommandEnded(
      await runCommand(['verify', '-o', 'json'], { BACKUP_STORE: `file://${scratch.path}` }),
      0,
    );
    assert.equal(JSON.parse(result.stdout).backups[0].name, nameAt(-2));
    assert.match(result.stderr, new RegExp(`^${nameAt(-1)} is newer, but passed over: it has no manifest`));
  });
});

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  await writeFile(file, bytes);
}

async function edit(file: string, change: (manifest: Manifest) => object): Promise<void> {
  const path = `${file}.json`;
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
}
