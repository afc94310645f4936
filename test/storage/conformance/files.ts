import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { bytesOf, copyOf } from '../../../src/util/lent.ts';
import { collect, MIB, NAME, refusedAs } from '../../support/file-store.ts';
import { type Given, write } from './root.ts';

export function writing(given: Given): void {
  describe('a file', () => {
    test('appears under its name only when it is published, with all its bytes', async () => {
      const { store } = given();
      const content = randomBytes(3 * MIB);
      const pending = await store.create(NAME);
      await pending.write(content);
      assert.deepEqual(await store.list(), []);
      await assert.rejects(collect(store.read(NAME)), refusedAs('not-found'));
      await pending.flush();
      assert.ok((await collect(pending.read())).equals(content));
      await pending.publish();
      assert.ok((await collect(store.read(NAME))).equals(content));
      const [file, ...others] = await store.list();
      assert.deepEqual([file?.name, file?.size, others], [NAME, 3 * MIB, []]);
    });

    test('may be empty', async () => {
      const { store } = given();
      const pending = await store.create(NAME);
      await pending.write(new Uint8Array());
      await pending.flush();
      assert.equal((await collect(pending.read())).length, 0);
      await pending.publish();
      assert.deepEqual(
        (await store.list()).map(({ size }) => size),
        [0],
      );
    });

    test('may be large, and its writer uses one buffer for all of it', async () => {
      const { root, store } = given();
      const pieces = Array.from({ length: 17 }, () => randomBytes(MIB + 7));
      const chunk = Buffer.alloc(MIB + 7);
      const pending = await store.create(NAME);
      for (const piece of pieces) {
        piece.copy(chunk);
        await pending.write(chunk);
        chunk.fill(0);
      }
      await pending.flush();
      assert.ok((await collect(pending.read())).equals(Buffer.concat(pieces)));
      await pending.publish();
      assert.ok((await collect(store.read(NAME))).equals(Buffer.concat(pieces)));
      assert.deepEqual(await root.remains(), [NAME]);
    });

    test('is lent piece by piece: each stays as it is until two more are asked for', async () => {
      const { store } = given();
      await write(store, NAME, randomBytes(5 * MIB));
      const pieces = store.read(NAME)[Symbol.asyncIterator]();
      let count = 0;
      for (let last = await pieces.next(); !last.done; count += 1) {
        const copy = copyOf(last.value);
        const next = await pieces.next();
        assert.ok(bytesOf(last.value).equals(copy), `piece ${count}`);
        last = next;
      }
      assert.ok(count > 2, `${count} pieces`);
    });

    test('never replaces another: the first keeps its name and its bytes', async () => {
      const { root, store } = given();
      const [first, second] = [await store.create(NAME), await store.create(NAME)];
      await first.write(Buffer.from('first'));
      await second.write(Buffer.from('second'));
      await first.flush();
      await first.publish();
      const publishSecond = async () => {
        await second.flush();
        await second.publish();
      };
      await assert.rejects(publishSecond, refusedAs('taken', /the name is taken/));
      await second.discard();
      assert.deepEqual(await root.remains(), [NAME]);
      assert.equal(await store.readText(NAME), 'first');
    });

    test('may be left half-way by its reader', async () => {
      const { store } = given();
      const content = randomBytes(3 * MIB);
      await write(store, NAME, content);
      for await (const piece of store.read(NAME)) {
        assert.ok(piece.length > 0);
        break;
      }
      assert.ok((await collect(store.read(NAME))).equals(content));
    });

    test('that is not there is not found', async () => {
      const { store } = given();
      await assert.rejects(
        collect(store.read('none')),
        refusedAs('not-found', /could not read .*none: it does not exist/),
      );
    });

    test('is removed, and it is no failure that it is gone already', async () => {
      const { root, store } = given();
      await write(store, NAME, Buffer.from('bytes'));
      await store.remove(NAME);
      await store.remove(NAME);
      assert.deepEqual(await root.remains(), []);
    });
  });
}

export function discarding(given: Given): void {
  describe('discard', () => {
    for (const until of ['created', 'written', 'flushed', 'published'] as const) {
      test(`leaves nothing of a file that was ${until}, however often`, async () => {
        const { root, store } = given();
        const pending = await store.create(NAME);
        if (until !== 'created') await pending.write(randomBytes(6 * MIB));
        if (until === 'flushed' || until === 'published') await pending.flush();
        if (until === 'published') await pending.publish();
        await pending.discard();
        await pending.discard();
        assert.deepEqual(await root.remains(), []);
      });
    }

    test('a second time does not take away what another published in between', async () => {
      const { store } = given();
      const pending = await store.create(NAME);
      await pending.publish();
      await pending.discard();
      await store.writeText(NAME, 'of another');
      await pending.discard();
      assert.equal(await store.readText(NAME), 'of another');
    });

    for (const publish of [false, true]) {
      test(`leaves nothing when the signal has come${publish ? ', also of a published file' : ''}`, async () => {
        const { root, store } = given();
        const end = new AbortController();
        const reason = new Error('that is enough');
        const pending = await store.within(end.signal).create(NAME);
        await pending.write(randomBytes(6 * MIB));
        if (publish) await pending.publish();
        end.abort(reason);
        if (!publish) await assert.rejects(pending.flush(), reason);
        await pending.discard();
        assert.deepEqual(await root.remains(), []);
      });
    }
  });
}
