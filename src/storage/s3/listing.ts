import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { formatCount } from '../../util/format.ts';
import { expectMany } from '../../util/heap.ts';
import type { StoredFile } from '../store.ts';
import type { Folder } from './folder.ts';
import { incomplete, type Page, pagesOf } from './pages.ts';
import { attempt, requestOnBucket } from './request.ts';

/** Where a page begins: at what the server calls the next one, else behind the last key of the one before. */
type From = { readonly ContinuationToken: string } | { readonly StartAfter: string };

type Listed = Pick<ListObjectsV2CommandOutput, 'Contents' | 'CommonPrefixes'>;

/** More than anybody keeps; each takes some hundred bytes. */
const MAX_NAMES = 200_000;

/** The files directly below the prefix whose names are wanted, by name. @throws StoreError `incomplete` */
export async function listFiles(folder: Folder, isWanted: (name: string) => boolean): Promise<StoredFile[]> {
  const files = new Map<string, StoredFile>();
  for await (const { Contents = [] } of listingOf(folder)) {
    for (const { Key, Size } of Contents) {
      const name = nameOf(folder, Key);
      if (name === '' || name.includes('/') || !isWanted(name)) continue;
      if (files.has(name)) throw incomplete(folder, `${JSON.stringify(name)} is in it twice`);
      if (!Number.isSafeInteger(Size) || Size === undefined)
        throw incomplete(folder, `it does not tell the size of ${JSON.stringify(name)}`);
      files.set(name, { name, size: Size });
    }
    checkCount(folder, files.size);
    expectMany(files.size);
  }
  return [...files.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The names of the folders directly below the prefix. @throws StoreError `incomplete` */
export async function listFolders(folder: Folder): Promise<string[]> {
  const names = new Set<string>();
  for await (const { Contents = [], CommonPrefixes = [] } of listingOf(folder)) {
    for (const { Prefix } of CommonPrefixes) names.add(folderIn(nameOf(folder, Prefix)));
    // Of a server that knows no delimiter.
    for (const { Key } of Contents) names.add(folderIn(nameOf(folder, Key)));
    names.delete('');
    checkCount(folder, names.size);
  }
  return [...names];
}

/** Whether the folder may be listed at all, at the cost of one request. */
export async function tryListing(folder: Folder): Promise<void> {
  await listingOf(folder).next();
}

/** What lies directly below the prefix, in pages of up to 1,000: what lies deeper costs one entry for each folder. */
const listingOf = (folder: Folder): AsyncGenerator<Listed, void> =>
  pagesOf<Listed, From>(folder, (from) => readPage(folder, from));

async function readPage(folder: Folder, from: From | undefined): Promise<Page<Listed, From>> {
  const command = new ListObjectsV2Command({
    Bucket: folder.bucket,
    Prefix: folder.prefix,
    Delimiter: '/',
    ...from,
  });
  const request = requestOnBucket(folder, 'list', 's3:ListBucket');
  const page = await attempt(folder, request, (options) => folder.client.send(command, options));
  const keys = (page.Contents ?? []).map(({ Key = '' }) => Key);
  const folders = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix);
  if (from !== undefined && 'StartAfter' in from) checkProgress(folder, from.StartAfter, { keys, folders });
  return { entries: page, names: [...keys, ...folders], next: nextOf(folder, page, { keys, folders }) };
}

/** The names of one page. */
interface Names {
  readonly keys: readonly string[];
  /** Each with its slash. */
  readonly folders: readonly string[];
}

/**
 * A server that knows more, and does not say how to go on, is asked for what comes behind the last key. That leaves
 * nothing out only where keys come in S3's order.
 */
function nextOf(
  folder: Folder,
  page: ListObjectsV2CommandOutput,
  { keys, folders }: Names,
): From | undefined {
  const { IsTruncated, NextContinuationToken: token = '' } = page;
  if (IsTruncated === false) return undefined;
  if (token !== '') return { ContinuationToken: token };
  const last = [keys.at(-1) ?? '', folders.at(-1) ?? ''].toSorted(byBytes).at(-1) ?? '';
  if (last === '' || !isAscending(keys) || !isAscending(folders))
    throw incomplete(folder, 'the server says that there is more, and does not say how to go on');
  return { StartAfter: last };
}

/** A folder may come again: what lies in it comes behind its name. */
function checkProgress(folder: Folder, last: string, { keys, folders }: Names): void {
  const goesOn = (key: string) => byBytes(key, last) > 0;
  if (keys.every(goesOn) && folders.every((prefix) => prefix === last || goesOn(prefix))) return;
  throw incomplete(folder, `the server does not go on behind ${JSON.stringify(last)}`);
}

const isAscending = (keys: readonly string[]): boolean =>
  keys.every((key, index) => index === 0 || byBytes(keys[index - 1] ?? '', key) < 0);

/** S3's order, which is not JavaScript's. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What stands behind the prefix. @throws StoreError where the server gave what it was not asked for */
function nameOf(folder: Folder, key: string | undefined): string {
  if (key?.startsWith(folder.prefix)) return key.slice(folder.prefix.length);
  throw incomplete(folder, 'the server gave what lies elsewhere, or has no name');
}

/** The first folder of a path; empty for a file. */
const folderIn = (path: string): string => (path.includes('/') ? (path.split('/', 1)[0] ?? '') : '');

function checkCount(folder: Folder, count: number): void {
  if (count <= MAX_NAMES) return;
  throw incomplete(folder, `it has more than ${formatCount(MAX_NAMES)} names`);
}
