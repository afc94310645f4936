import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { BASES, type BaseName } from '../../support/bolt-bases.ts';
import { DAMAGES } from '../../support/bolt-damage/table.ts';
import { readIn, readWhole } from '../../support/bolt-fuzz.ts';
import { makeDatabase } from '../../support/bolt-maker.ts';
import { treeOf } from '../../support/bolt-tree.ts';

/** Every way in which a live page can be wrong is found, and the page that is named is the one. */

const files = new Map<string, Buffer>();
before(async () => {
  for (const [name, recipe] of Object.entries(BASES)) files.set(name, (await makeDatabase(recipe)).file);
});

const treeIn = (base: BaseName) => treeOf(Buffer.from(files.get(base) ?? ''));

for (const [what, damages] of Object.entries(DAMAGES)) {
  describe(`${what}:`, () => {
    for (const { name, base = 'deep', damage } of damages)
      test(name, () => {
        const tree = treeIn(base);
        assert.equal(readWhole(tree.file).kind, 'sound');
        const finding = damage(tree);
        assert.deepEqual(readWhole(tree.file), { kind: 'damaged', finding });
        assert.deepEqual(
          readIn(tree.file, () => 300),
          { kind: 'damaged', finding },
        );
      });
  });
}
