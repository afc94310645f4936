import assert from 'node:assert/strict';
import { copyFile, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Manifest } from '../../src/backup/manifest.ts';
import { backupName, parseBackupName } from '../../src/backup/names.ts';
import { fill } from '../support/fill.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { type BackedUpCluster, startBackedUpCluster } from './backed-up-cluster.ts';
import { assertCommandEnded, assertCommandRefused, jsonOf, runCommand } from './run-command.ts';

const MINUTE = 60_000;
const OTHER = 'deadbeefcafe0123';

let backedUp: BackedUpCluster;
let name: string;

before(async () => {
  backedUp = await startBackedUpCluster();
  await fill(backedUp.cluster, { keys: 20, valueBytes: 1000 });
  name = await backedUp.backUp();
});

after(() => backedUp[Symbol.asyncDispose]());

interface Place extends AsyncDisposable {
  env: Record<string, string>;
  folder: string;
  /** A copy of the backup under the name of another moment, with a manifest that agrees with it but for `changes`. */
  copy(at: number, changes?: (manifest: Manifest) => object): Promise<string>;
}

/** A store of its own, with the one backup of the cluster. */
async function ownStore(): Promise<Place> {
  const scratch = await scratchFolder('store');
  const folder = join(scratch.path, 'prod');
  await cp(backedUp.folder, folder, { recursive: true });
  const manifest = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'));
  return {
    env: { BACKUP_STORE: `file://${scratch.path}` },
    folder,
    async copy(at, changes = () => ({})) {
      const copied = backupName({ at: new Date(at), revision: manifest.revision, compression: 'zstd' });
      const agreeing = { ...manifest, name: copied, startedAt: new Date(at).toISOString() };
      await copyFile(join(folder, name), join(folder, copied));
      await writeFile(join(folder, `${copied}.json`), JSON.stringify({ ...agreeing, ...changes(agreeing) }));
      return copied;
    },
    [Symbol.asyncDispose]: scratch[Symbol.asyncDispose],
  };
}

const ofOther = ({ cluster }: Manifest): object => ({ cluster: { ...cluster, id: OTHER } });
const madeAt = (): number => parseBackupName(name)?.at.getTime() ?? assert.fail();

/** What `latest` stands for to each command, and what is said with it. */
async function latest(env: Record<string, string>): Promise<{ name: string; stderr: string }> {
  const { stdout, stderr } = assertCommandEnded(await runCommand(['verify', '-o', 'json'], env), 0);
  await using out = await scratchFolder('out');
  const fetched = await jsonOf(['fetch', 'latest', join(out.path, 'db')], env);
  assert.equal(fetched.manifest.name, JSON.parse(stdout).backups[0].name, 'both take the same');
  return { name: fetched.manifest.name, stderr };
}

describe('latest', () => {
  test('is not a backup that was copied under a newer name', async () => {
    await using place = await ownStore();
    const at = new Date(madeAt() + MINUTE);
    const copied = await place.copy(madeAt() + MINUTE, () => ({
      startedAt: new Date(madeAt()).toISOString(),
    }));
    const taken = await latest(place.env);
    assert.equal(taken.name, name);
    assert.match(taken.stderr, new RegExp(`^${copied} is newer, but passed over: it was started at `));
    const { backups } = await jsonOf(['list'], place.env);
    assert.deepEqual([backups[0].name, backups[0].complete], [copied, false]);
    assert.equal(backups[0].time, at.toISOString());
    await assertCommandRefused(
      ['fetch', copied, join(place.folder, 'never.db')],
      place.env,
      4,
      /copied under another name/,
    );
  });

  test('is not a backup dated 2099, which is told', async () => {
    await using place = await ownStore();
    const future = await place.copy(Date.UTC(2099, 0, 1));
    const taken = await latest(place.env);
    assert.equal(taken.name, name);
    assert.match(
      taken.stderr,
      new RegExp(`^${future} is newer, but passed over: it is dated after this machine's clock`),
    );
    const { stdout } = assertCommandEnded(await runCommand(['list'], place.env), 0);
    assert.match(stdout, new RegExp(`^${future} .* yes: it is dated after this machine's clock`, 'm'));
  });

  test('of a cluster that was made anew is the new one, with a note that names both', async () => {
    await using place = await ownStore();
    await place.copy(madeAt() - 2 * MINUTE, ofOther);
    const old = await place.copy(madeAt() - MINUTE, ofOther);
    const taken = await latest(place.env);
    assert.equal(taken.name, name);
    assert.match(
      taken.stderr,
      new RegExp(`backups of 2 cluster IDs, one after another.*before it came ${OTHER} \\(newest: ${old}\\)`),
    );
  });

  test('of two clusters under one name is exit 2, until CLUSTER_ID says which', async () => {
    await using place = await ownStore();
    const older = await place.copy(madeAt() - MINUTE, ofOther);
    const oldest = await place.copy(madeAt() - 2 * MINUTE);
    const { backups } = await jsonOf(['list'], place.env);
    assert.deepEqual(
      backups.map((backup: { clusterId: string }) => backup.clusterId === OTHER),
      [false, true, false],
    );
    const own: string = backups[0].clusterId;
    await using out = await scratchFolder('out');
    const words = new RegExp(
      `2 clusters that have one name: ${own} \\(newest: ${name}\\), ${OTHER} \\(newest: ${older}\\)`,
    );
    for (const args of [['verify'], ['fetch', 'latest', join(out.path, 'db')]])
      await assertCommandRefused(args, place.env, 2, words, /CLUSTER_ID/);
    assert.deepEqual(await readdir(out.path), []);

    assert.equal((await latest({ ...place.env, CLUSTER_ID: own })).name, name);
    const other = await latest({ ...place.env, CLUSTER_ID: OTHER.toUpperCase() });
    assert.equal(other.name, older);
    assert.match(
      other.stderr,
      new RegExp(`^${name} is newer, but passed over: it is a backup of the cluster prod \\(${own}\\)`),
    );
    const all = await jsonOf(['verify', 'all'], { ...place.env, CLUSTER_ID: own });
    assert.deepEqual(
      all.backups.map((backup: { name: string }) => backup.name),
      [name, oldest],
    );
    await assertCommandRefused(
      ['verify'],
      { ...place.env, CLUSTER_ID: 'prod' },
      2,
      /CLUSTER_ID is "prod"; it should be an ID/,
    );
    await assertCommandRefused(
      ['verify'],
      { ...place.env, CLUSTER_ID: 'abc' },
      4,
      /no complete backup of the cluster ID abc/,
    );
  });
});
