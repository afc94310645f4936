import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { BASES, LARGER } from '../../support/bolt-bases.ts';
import { withChecksum } from '../../support/bolt-file.ts';
import { countEntries, fuzz, readIn, readWhole } from '../../support/bolt-fuzz.ts';
import { makeDatabase, startJudge, type Verdict } from '../../support/bolt-maker.ts';
import { restoreSnapshot } from '../../support/restored-cluster.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

/** A few of what `npm run fuzz` does by the million. */

const COUNT = 2000;
/** etcd takes most of a second to start. */
const STARTED = 3;

const bases = new Map<string, Buffer>();
const holds = new Map<string, Verdict>();
before(async () => {
  for (const [name, recipe] of Object.entries(BASES)) {
    const made = await makeDatabase(recipe);
    bases.set(name, made.file);
    holds.set(name, made.holds);
  }
});

test('what is sound is taken for it, in whatever pieces it comes, with what follows a snapshot behind it', () => {
  for (const [name, file] of bases) {
    const whole = readWhole(file);
    assert.equal(whole.kind, 'sound', name);
    const snapshot = withChecksum(file);
    for (const length of [...(file.length < 10_000 ? [1] : []), 31, 511, 512, 4095, 65_536])
      assert.deepEqual(
        readIn(snapshot, () => length),
        whole,
        `${name} in pieces of ${length}`,
      );
    const { structure } = whole;
    const { keys = {}, consistentIndex, finished } = holds.get(name) ?? {};
    assert.deepEqual(
      [structure.keys, structure.consistentIndex, structure.compactRevision],
      [Object.values(keys).reduce((sum, some) => sum + some, 0), consistentIndex, finished],
    );
  }
});

test('so is what is larger', async (t) => {
  for (const [name, recipe] of Object.entries(LARGER))
    await t.test(name, async () => {
      const { file, holds: wanted } = await makeDatabase(recipe);
      const whole = readWhole(file);
      assert.equal(whole.kind, 'sound');
      assert.deepEqual(
        readIn(file, () => 9000),
        whole,
      );
      assert.equal(whole.structure.revision, Math.max(wanted.revision, wanted.scheduled, wanted.finished));
      assert.equal(countEntries(whole.structure, file), wanted.keys.key);
    });
});

test('what is cut off is damaged, wherever that is', () => {
  for (const [name, file] of bases)
    for (let length = file.length - 1; length > 0; length -= Math.ceil(file.length / 97)) {
      const said = readWhole(file.subarray(0, length));
      assert.ok(said.kind === 'damaged' && said.finding.code === 'missing', `${name}, ${length}`);
    }
});

test(`${COUNT} changed databases: no crash, and none accepted that bbolt or etcd refuses`, async (t) => {
  await using judge = await startJudge();
  await using folder = await scratchFolder('fuzz');
  const seed = Date.now() % 2 ** 31;
  t.diagnostic(`seed ${seed}`);
  const accepted: Buffer[] = [];
  const { failures, said } = await fuzz({
    bases,
    judge,
    seed,
    count: COUNT,
    onAccepted(file, { values }) {
      if (values.length === 0 && accepted.length < 200) accepted.push(Buffer.from(file));
    },
  });
  assert.deepEqual(
    failures.map(({ seed: at, base, done, why }) => ({ seed: at, base, done, why })),
    [],
  );
  assert.ok((said.sound ?? 0) > COUNT / 10 && (said.sound ?? 0) < COUNT / 2, JSON.stringify(said));
  for (const [index, file] of accepted
    .filter((_, at) => at % 60 === 0)
    .slice(0, STARTED)
    .entries())
    await t.test(`etcd runs on an accepted one (${index + 1})`, async () => {
      const path = join(folder.path, `${index}.db`);
      await writeFile(path, withChecksum(file));
      await using cluster = await restoreSnapshot(path);
      const [member] = cluster.members;
      assert.ok(((await member?.status())?.revision ?? 0) > 0);
    });
});
