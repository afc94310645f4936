import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Store } from '../../../src/storage/store.ts';
import { collect, MIB, NAME } from '../../support/file-store.ts';
import { anyName, type Given, namesIn, write } from './root.ts';

/** Everything that a store can be asked for. */
const CALLS: [name: string, call: (store: Store) => Promise<unknown>][] = [
  ['prepare', (store) => store.prepare()],
  ['freeBytes', (store) => store.freeBytes()],
  ['list', (store) => store.list()],
  ['create', (store) => store.create('new')],
  ['writeText', (store) => store.writeText('new', 'text')],
  ['read', (store) => collect(store.read(NAME))],
  ['readText', (store) => store.readText(NAME)],
  ['remove', (store) => store.remove(NAME)],
  ['removeLeftovers', (store) => store.removeLeftovers(0, anyName)],
];

export function signals(given: Given): void {
  const reason = new Error('that is enough');

  describe('the signal', () => {
    for (const [name, call] of CALLS) {
      test(`ends ${name} with its reason, and nothing is done`, async () => {
        const { root, store } = given();
        await store.writeText(NAME, 'text');
        await assert.rejects(call(root.open({ signal: AbortSignal.abort(reason) })), reason);
        await assert.rejects(call(store.within(AbortSignal.abort(reason))), reason);
        assert.deepEqual(await root.remains(), [NAME]);
        assert.equal(await store.readText(NAME), 'text');
      });
    }

    test('ends every call of a pending file', async () => {
      const { root, store } = given();
      const end = new AbortController();
      const pending = await store.within(end.signal).create(NAME);
      await pending.write(randomBytes(6 * MIB));
      end.abort(reason);
      await assert.rejects(pending.write(randomBytes(6 * MIB)), reason);
      await assert.rejects(pending.flush(), reason);
      await assert.rejects(collect(pending.read()), reason);
      await assert.rejects(pending.publish(), reason);
      await pending.discard();
      assert.deepEqual(await root.remains(), []);
    });

    test('ends a stream in the middle', async () => {
      const { store } = given();
      await write(store, NAME, randomBytes(6 * MIB));
      const end = new AbortController();
      let pieces = 0;
      const reading = async () => {
        for await (const _ of store.within(end.signal).read(NAME)) {
          pieces += 1;
          end.abort(reason);
        }
      };
      await assert.rejects(reading, reason);
      assert.equal(pieces, 1);
    });

    test('that comes while a text is written leaves the whole of it, or nothing', async () => {
      const { root, store } = given();
      for (const ticks of [0, 1, 3, 10]) {
        const end = new AbortController();
        const ended = store.within(end.signal).writeText('text', 'text');
        for (let tick = 0; tick < ticks; tick += 1) await new Promise((done) => setImmediate(done));
        end.abort(reason);
        const [outcome] = await Promise.allSettled([ended]);
        if (outcome.status === 'rejected') assert.equal(outcome.reason, reason);
        assert.deepEqual(await root.remains(), outcome.status === 'rejected' ? [] : ['text']);
        await store.remove('text');
      }
    });

    test('of `within` ends only that store, and that of the store ends both', async () => {
      const { root } = given();
      const [outer, inner] = [new AbortController(), new AbortController()];
      const store = root.open({ signal: outer.signal });
      const bounded = store.within(inner.signal);
      const other = store.within(new AbortController().signal);
      assert.equal(bounded.location, store.location);
      await bounded.writeText(NAME, 'text');
      inner.abort(reason);
      await assert.rejects(bounded.list(), reason);
      assert.deepEqual(await namesIn(store), [NAME]);
      assert.equal(await other.readText(NAME), 'text');
      const last = new Error('for all of them');
      outer.abort(last);
      await assert.rejects(store.list(), last);
      await assert.rejects(other.list(), last);
      await assert.rejects(bounded.list(), reason);
    });
  });
}
