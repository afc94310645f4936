import { fileStore } from './file-store.ts';
import { readS3Access } from './s3-access.ts';
import { s3Store } from './s3-store.ts';
import type { Variables } from './variables.ts';

/** Every kind of store that there is: another one is a file beside this one and its name here. */
const KINDS = [fileStore, s3Store] as const;

/** Where backups are kept, by `kind`. */
export type StoreConfig = ReturnType<(typeof KINDS)[number]['parse']>;

export function readStore(vars: Variables): StoreConfig {
  const store = vars.parse('BACKUP_STORE', storeOf, 'file:///backups');
  return store.kind === 's3' ? { ...store, access: readS3Access(vars) } : store;
}

/** Reads a store's URL; throws an Error whose message goes on after the words "it ". */
function storeOf(text: string): StoreConfig {
  const scheme = /^([a-z0-9]+):/i.exec(text)?.[1]?.toLowerCase();
  const kind = KINDS.find((one) => one.scheme === scheme);
  if (kind === undefined) throw new Error(`should be ${KINDS.map(({ example }) => example).join(' or ')}`);
  return kind.parse(text);
}
