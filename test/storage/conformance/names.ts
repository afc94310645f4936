import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Store } from '../../../src/storage/store.ts';
import { collect, NAME, refusedAs } from '../../support/file-store.ts';
import { anyName, type Given, HOUR_MS, namesIn, type Root } from './root.ts';

const NO_NAMES = ['', '.', '..', '../outside', '/etc/passwd', 'a/b', 'nul\0'];

export function names(given: Given): void {
  describe('names', () => {
    test('that could lead out of the folder are refused by everything that takes one', async () => {
      const { root, store } = given();
      await root.put('outside', 'of another');
      const refused = refusedAs('invalid-name', /is not a plain file name/);
      for (const name of NO_NAMES) {
        await assert.rejects(store.create(name), refused);
        await assert.rejects(store.writeText(name, 'text'), refused);
        await assert.rejects(collect(store.read(name)), refused);
        await assert.rejects(store.readText(name), refused);
        await assert.rejects(store.remove(name), refused);
      }
      assert.deepEqual(await root.remains(), []);
    });

    test('are listed in order, of this folder alone and of nothing that lies deeper', async () => {
      const { root, store } = given();
      for (const path of ['prod/b', 'prod/a', 'prod/deeper/c', 'beside', 'other/d'])
        await root.put(path, path);
      assert.deepEqual(
        (await store.list()).map(({ name, size }) => ({ name, size })),
        [
          { name: 'a', size: 'prod/a'.length },
          { name: 'b', size: 'prod/b'.length },
        ],
      );
    });

    test('are listed where they are wanted', async () => {
      const { store } = given();
      for (const name of ['a', 'b', 'c']) await store.writeText(name, name);
      const found = await store.list((name) => name !== 'b');
      assert.deepEqual(
        found.map(({ name }) => name),
        ['a', 'c'],
      );
    });

    test('of clusters that begin like this one are no reason to mix them up', async () => {
      const { root, store } = given();
      const others = ['pro', 'prod2', 'prod-2'].map((cluster) => root.open({ cluster }));
      for (const other of others) {
        await other.prepare();
        await other.writeText(NAME, other.location);
      }
      assert.deepEqual(await namesIn(store), []);
      assert.equal(await store.readText(NAME), undefined);
      await store.writeText(NAME, 'ours');
      await store.remove(NAME);
      for (const other of others) assert.equal(await other.readText(NAME), other.location);
    });

    test('there are none of where no backup was ever made', async () => {
      const store = given().root.open({ cluster: 'never' });
      assert.deepEqual(await store.list(), []);
      await store.remove(NAME);
      assert.deepEqual(await store.removeLeftovers(0, anyName), []);
    });
  });
}

/** The store as it is for a run whose clock is so far ahead. */
const later = (root: Root, ms: number): Store => root.open({ now: () => Date.now() + ms });

export function leftovers(given: Given): void {
  describe('what a dead run left', () => {
    test('is not listed, and is removed once it is old enough', async () => {
      const { root, store } = given();
      await root.leave(NAME);
      const [leftover = '', ...others] = await root.remains();
      assert.ok(leftover.includes(NAME) && others.length === 0);
      assert.deepEqual(await store.list(), []);
      assert.deepEqual(await store.removeLeftovers(HOUR_MS, anyName), []);
      assert.deepEqual(await later(root, -24 * HOUR_MS).removeLeftovers(HOUR_MS, anyName), []);
      assert.deepEqual(await root.remains(), [leftover]);
      const [removed = ''] = await later(root, 2 * HOUR_MS).removeLeftovers(HOUR_MS, anyName);
      assert.ok(removed.includes(NAME), removed);
      assert.deepEqual(await root.remains(), []);
    });

    test('stays where it is not ours, and so does every finished file', async () => {
      const { root, store } = given();
      await root.leave('of-another');
      await root.leave(NAME);
      await store.writeText('finished', 'text');
      const before = await root.remains();
      const removed = await later(root, 2 * HOUR_MS).removeLeftovers(HOUR_MS, (name) => name === NAME);
      assert.equal(removed.length, 1);
      const stays = before.filter((name) => !name.includes(NAME));
      assert.deepEqual(await root.remains(), stays);
      assert.equal(stays.length, 2);
    });

    test("stays where it is another cluster's", async () => {
      const { root } = given();
      await root.leave(NAME);
      const other = root.open({ cluster: 'pro', now: () => Date.now() + 2 * HOUR_MS });
      assert.deepEqual(await other.removeLeftovers(HOUR_MS, anyName), []);
      assert.equal((await root.remains()).length, 1);
    });
  });
}
