import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../errors.ts';
import { type S3StoreConfig, s3StoreOf } from './s3-store.ts';

/** Where backups are kept, by `kind`. Another kind of store is another member of this union. */
export type StoreConfig = FileStoreConfig | S3StoreConfig;

export interface FileStoreConfig {
  readonly kind: 'file';
  /** An absolute path. */
  readonly directory: string;
}

const allowed = 'should be file:///dir, an absolute path after three slashes';
const otherKind = 'should be file:///dir or s3://bucket/prefix';

/** Reads a store's URL; throws an Error whose message goes on after the words "it ". */
export function storeOf(text: string): StoreConfig {
  if (/^s3:/i.test(text)) return s3StoreOf(text);
  if (!/^file:/i.test(text)) throw new Error(otherKind);
  if (!text.startsWith('file:///')) throw new Error(allowed);
  if (/[?#]/.test(text))
    throw new Error(`${allowed}, with no query and no fragment (write ? as %3F, # as %23)`);
  return { kind: 'file', directory: directoryOf(text) };
}

function directoryOf(url: string): string {
  const directory = pathOf(url);
  // No file system takes it, and what it says then does not name the variable.
  if (directory.includes('\0')) throw new Error(`${allowed}, without %00`);
  return resolve(directory);
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new Error(`${allowed} (${messageOf(error)})`, { cause: error });
  }
}
