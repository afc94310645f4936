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
  if (!isS3(vars)) return store;
  const access = readS3Access(vars);
  return store.kind === 's3' ? { ...store, access } : store;
}

/** By what was given, be it right or wrong: what else is wrong with a store of that kind is told beside it. */
const isS3 = ({ given }: Variables): boolean => /^s3:/i.test(given('BACKUP_STORE') ?? '');

/** Reads a store's URL; throws an Error whose message goes on after the words "it ". */
function storeOf(text: string): StoreConfig {
  const scheme = /^([a-z0-9]+):/i.exec(text)?.[1]?.toLowerCase();
  const kind = KINDS.find((one) => one.scheme === scheme);
  if (kind === undefined) throw new Error(`should be ${KINDS.map(({ example }) => example).join(' or ')}`);
  return kind.parse(text);
}
