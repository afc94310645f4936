import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { exitCodeOf, Failure } from '../../src/errors.ts';
import type { Store } from '../../src/storage/store.ts';
import { NAME, refusedAs } from '../support/file-store.ts';
import { discarding, writing } from './conformance/files.ts';
import { leftovers, names } from './conformance/names.ts';
import type { Given, Root } from './conformance/root.ts';
import { signals } from './conformance/signals.ts';
import { texts } from './conformance/texts.ts';

export type { Root } from './conformance/root.ts';

/**
 * What every store owes: docs/adding-a-store.md explains it. To be called from `test/storage/<kind>/conformance.test.ts`.
 * What only one kind of store has to do is tested beside that.
 */
export function conformance(kind: string, start: () => Promise<Root>): void {
  describe(`${kind} keeps the contract of a store`, () => {
    let root: Root;
    let store: Store;

    before(async () => {
      root = await start();
    });
    beforeEach(async () => {
      await root.clear();
      store = root.open();
      await store.prepare();
    });
    after(() => root[Symbol.asyncDispose]());

    const given: Given = () => ({ root, store });
    preparing(given);
    writing(given);
    discarding(given);
    texts(given);
    names(given);
    leftovers(given);
    signals(given);
    faults(given);
  });
}

function preparing(given: Given): void {
  describe('prepare', () => {
    test('leaves nothing behind, however often, nor changes what is there', async () => {
      const { root, store } = given();
      await store.prepare();
      assert.deepEqual(await root.remains(), []);
      await store.writeText(NAME, 'text');
      await store.prepare();
      assert.deepEqual(await root.remains(), [NAME]);
    });

    test('free bytes are a number, or not known', async () => {
      const free = await given().store.freeBytes();
      assert.ok(free === undefined || (Number.isSafeInteger(free) && free > 0), String(free));
    });

    test('a cluster whose name cannot name a folder is a mistake in the configuration', () => {
      for (const cluster of ['', '.', '..', 'a/b', '/etc', 'nul\0']) {
        assert.throws(
          () => given().root.open({ cluster }),
          (error) =>
            error instanceof Failure && exitCodeOf(error) === 2 && /CLUSTER_NAME/.test(error.message),
        );
      }
    });
  });
}

function faults(given: Given): void {
  for (const code of ['access', 'no-space'] as const) {
    test(`a store that cannot be written has the code ${code}, and keeps nothing of what was tried`, async () => {
      const { root, store } = given();
      await root.faults[code](async () => {
        await assert.rejects(store.writeText('text', 'x'.repeat(10_000)), refusedAs(code));
      });
      assert.deepEqual(await root.remains(), []);
      await store.writeText('text', 'again');
    });
  }
}
