import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../errors.ts';
import type { StoreKind } from './store-kind.ts';

/** A folder of this machine. */
export interface FileStoreConfig {
  readonly kind: 'file';
  /** An absolute path. */
  readonly directory: string;
}

const ALLOWED = 'should be file:///dir, an absolute path after three slashes';

export const fileStore = {
  scheme: 'file',
  example: 'file:///dir',
  parse: fileStoreOf,
} satisfies StoreKind;

/** Reads a folder's URL; throws an Error whose message goes on after the words "it ". */
function fileStoreOf(text: string): FileStoreConfig {
  if (!text.startsWith('file:///')) throw new Error(ALLOWED);
  if (/[?#]/.test(text))
    throw new Error(`${ALLOWED}, with no query and no fragment (write ? as %3F, # as %23)`);
  return { kind: 'file', directory: directoryOf(text) };
}

function directoryOf(url: string): string {
  const directory = pathOf(url);
  // No file system takes it, and what it says then does not name the variable.
  if (directory.includes('\0')) throw new Error(`${ALLOWED}, without %00`);
  return resolve(directory);
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new Error(`${ALLOWED} (${messageOf(error)})`, { cause: error });
  }
}
