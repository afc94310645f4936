import assert from 'node:assert/strict';
import { exitCodeOf, Failure } from '../../src/errors.ts';
import { StoreError, type StoreErrorCode } from '../../src/storage/errors.ts';
import { FileStore, type FileStoreOptions } from '../../src/storage/file/store.ts';
import type { Store } from '../../src/storage/store.ts';
import { type Chunks, copyOf } from '../../src/util/lent.ts';

/** The name of a backup. */
export const NAME = '20260305T021500Z-4711.db.zst';
export const MIB = 2 ** 20;

/** A signal that never comes. */
export const never = (): AbortSignal => new AbortController().signal;

/** A store in a folder that no signal ends, unless one is given. */
export const fileStore = (options: Omit<FileStoreOptions, 'signal'> & { signal?: AbortSignal }): FileStore =>
  new FileStore({ signal: never(), ...options });

/** The same store, some of whose methods are others. */
export function replaced(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      if (Reflect.has(methods, name)) return Reflect.get(methods, name);
      const found: unknown = Reflect.get(target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

/** All bytes of a stream. */
export async function collect(chunks: Chunks): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of chunks) copies.push(copyOf(chunk));
  return Buffer.concat(copies);
}

/** Checks for a failure of the backup (exit code 4) whose message says all of this. */
export function failsWith(...words: RegExp[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(exitCodeOf(error), 4);
    for (const word of words) assert.match(error.message, word);
    return true;
  };
}

/** The same for what a store refuses, by its code. */
export function refusedAs(code: StoreErrorCode, ...words: RegExp[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.code, code, error.message);
    return failsWith(...words)(error);
  };
}
