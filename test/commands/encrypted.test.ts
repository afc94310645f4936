import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type AgeKey, ageIdentity, ageKey } from '../support/age.ts';
import { fill } from '../support/fill.ts';
import { readKeys } from '../support/read-keys.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { runCommand, assertCommandEnded, jsonOf, assertCommandRefused } from './run-command.ts';
import { startBackedUpCluster, type BackedUpCluster } from './backed-up-cluster.ts';

let backedUp: BackedUpCluster;
let out: Scratch;
let key: AgeKey;
let other: AgeKey;
let name: string;

before(async () => {
  backedUp = await startBackedUpCluster();
  out = await scratchFolder('out');
  key = await ageKey(out.path, 'key');
  other = await ageKey(out.path, 'other');
  await fill(backedUp.cluster, { keys: 50, valueBytes: 10_000 });
  name = await backedUp.backUp({ BACKUP_AGE_RECIPIENTS: key.recipient });
});

after(async () => {
  await backedUp[Symbol.asyncDispose]();
  await out[Symbol.asyncDispose]();
});

const withKey = ({ file }: AgeKey): Record<string, string> => ({
  ...backedUp.env,
  BACKUP_AGE_IDENTITY_FILE: file,
});

test('an encrypted backup is listed as one, without any key', async () => {
  const { backups } = await jsonOf(['list'], backedUp.env);
  assert.deepEqual(
    backups.map((backup: Record<string, unknown>) => [backup.name, backup.encrypted, backup.complete]),
    [[name, true, true]],
  );
  assert.match(
    assertCommandEnded(await runCommand(['list'], backedUp.env), 0).stdout,
    /\.db\.zst\.age .* yes +yes$/m,
  );
});

test('an encrypted backup is verified and fetched with its identity', async () => {
  assert.equal((await jsonOf(['verify'], withKey(key))).backups[0].whole, true);
  const file = join(out.path, 'snapshot.db');
  await jsonOf(['fetch', 'latest', file], withKey(key));
  await using restored = await restoreSnapshot(file);
  assert.deepEqual(await readKeys(restored, '/registry/'), await readKeys(backedUp.cluster, '/registry/'));
});

test('without the identity, or with another, it is told, and nothing is written', async () => {
  const folder = await scratchFolder('nothing');
  const fetch = ['fetch', 'latest', join(folder.path, 'snapshot.db')];
  const cases: [Record<string, string>, RegExp][] = [
    [backedUp.env, new RegExp(`it is encrypted \\(for ${key.recipient}\\).*BACKUP_AGE_IDENTITY_FILE`)],
    [withKey(other), /the identity given does not fit/],
  ];
  for (const [env, problem] of cases) {
    const { backups } = await jsonOf(['verify'], env, 4);
    assert.match(backups[0].problem, problem);
    await assertCommandRefused(fetch, env, 4, problem);
  }
  assert.deepEqual(await readdir(folder.path), []);
  await folder[Symbol.asyncDispose]();
});

test('an identity file that cannot be used is a mistake of the configuration, and no secret is told', async () => {
  const missing = { ...backedUp.env, BACKUP_AGE_IDENTITY_FILE: join(out.path, 'missing') };
  await assertCommandRefused(
    ['verify'],
    missing,
    2,
    /BACKUP_AGE_IDENTITY_FILE is .*there is none with this path/,
  );
  await jsonOf(['list'], missing);
  const identity = await ageIdentity(key);
  const cut = join(out.path, 'cut');
  await writeFile(cut, identity.slice(0, -1));
  for (const given of [cut, identity]) {
    const { stderr } = assertCommandEnded(
      await runCommand(['verify'], { ...backedUp.env, BACKUP_AGE_IDENTITY_FILE: given }),
      2,
    );
    assert.ok(!stderr.includes(identity.slice(20, 40)), 'the key is in the message');
  }
});
