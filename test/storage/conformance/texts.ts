import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MIB, refusedAs } from '../../support/file-store.ts';
import { type Given, write } from './root.ts';

export function texts(given: Given): void {
  describe('a text', () => {
    test('is written whole, and read back', async () => {
      const { root, store } = given();
      const text = '{"text": "ä€😀"}\n';
      await store.writeText('text.json', text);
      assert.equal(await store.readText('text.json'), text);
      assert.deepEqual(await root.remains(), ['text.json']);
    });

    test('is undefined where there is none', async () => {
      const { store } = given();
      assert.equal(await store.readText('text.json'), undefined);
      assert.equal(await given().root.open({ cluster: 'never' }).readText('text.json'), undefined);
    });

    test('is never written over another', async () => {
      const { root, store } = given();
      await store.writeText('text.json', 'first');
      await assert.rejects(store.writeText('text.json', 'second'), refusedAs('taken'));
      assert.equal(await store.readText('text.json'), 'first');
      assert.deepEqual(await root.remains(), ['text.json']);
    });

    test('is read up to 1 MiB: more is no manifest', async () => {
      const { store } = given();
      await write(store, 'largest', Buffer.alloc(MIB, 'x'));
      assert.equal((await store.readText('largest'))?.length, MIB);
      await write(store, 'larger', Buffer.alloc(MIB + 1, 'x'));
      await assert.rejects(store.readText('larger'), refusedAs('too-large', /too large for a manifest/));
    });
  });
}
