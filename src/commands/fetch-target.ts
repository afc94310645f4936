import { lstat, stat, statfs } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { StoreError, type StoreErrorCode } from '../storage/errors.ts';
import { attempt } from '../storage/file/errors.ts';
import { createPending } from '../storage/file/pending.ts';
import type { PendingFile } from '../storage/store.ts';
import { Failure, messageOf } from '../errors.ts';

/** A file that a person named, written as the store writes its own: whole or not at all, and over nothing. */
export interface Target {
  /** absolute */
  path: string;
  write(chunk: Uint8Array): Promise<void>;
  /** Everything that was written is durable when this resolves. */
  flush(): Promise<void>;
  publish(): Promise<void>;
  /** Leaves nothing behind, published or not. */
  discard(): Promise<void>;
  /** what went wrong with this file, to be told apart from what went wrong with its source */
  failure(): Failure | undefined;
}

/**
 * Looks whether a file can be made there at all, before anything is read for it.
 * @throws Failure `configuration` where the name is taken or there is no such folder
 */
export async function checkTarget(file: string): Promise<void> {
  if (file === '-') {
    throw new Failure(
      'configuration',
      'a snapshot is not written to standard output: it is proved only at its end, when somebody may have used it already',
    );
  }
  const path = resolve(file);
  if ((await look(() => lstat(path))) !== undefined) {
    throw new Failure(
      'configuration',
      `${path} is there already, and nothing is overwritten: give another name`,
    );
  }
  const folder = await look(() => stat(dirname(path)));
  if (folder?.isDirectory()) return;
  throw new Failure('configuration', `${dirname(path)} is not a folder: make it, or give another one`);
}

async function look<T>(at: () => Promise<T>): Promise<T | undefined> {
  try {
    return await at();
  } catch {
    return undefined; // what cannot be looked at is told when it cannot be written
  }
}

/** @throws Failure `backup` where so many bytes do not fit */
export async function checkRoom(file: string, bytes: number): Promise<void> {
  const folder = dirname(resolve(file));
  const { blocks, bavail, bsize } = await attempt('ask for the free space of', folder, () =>
    statfs(folder),
  ).catch((error: unknown) => {
    throw error instanceof StoreError ? worded(folder, error) : error;
  });
  const free = bavail * bsize;
  // No blocks at all: a file system without a size.
  if (blocks === 0 || free >= bytes) return;
  throw new Failure(
    'backup',
    `${folder} has ${free} bytes free and the snapshot needs ${bytes}: make room there, or give another folder`,
  );
}

/** Opens a temporary file beside the one that it is to become. @throws Failure `backup` */
export async function openTarget(file: string, signal: AbortSignal): Promise<Target> {
  const path = resolve(file);
  let failure: Failure | undefined;
  const tell = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const told = worded(path, error);
      failure ??= told;
      throw told;
    }
  };
  const pending: PendingFile = await tell(() => createPending(dirname(path), basename(path), signal));
  return {
    path,
    write: (chunk) => tell(() => pending.write(chunk)),
    flush: () => tell(() => pending.flush()),
    publish: () => tell(() => pending.publish()),
    discard: () => tell(() => pending.discard()),
    failure: () => failure,
  };
}

const ADVICE: Partial<Record<StoreErrorCode, string>> = {
  taken: 'the name was taken meanwhile; give another one',
  'no-space': 'make room there, or give another folder',
  access: 'let this user write there, or give another folder',
  'read-only': 'the file system is read-only; give another folder',
};

/** The store's words speak of its settings; this file is none of the store's. The system's own words stay. */
function worded(path: string, error: StoreError): Failure {
  const { code, cause } = error;
  if (cause === undefined) return error;
  const advice = ADVICE[code] ?? 'look at that folder and its disk';
  const message = `could not write ${path}: ${messageOf(cause)}; nothing is left of it: ${advice}`;
  return new Failure('backup', message, { cause });
}
