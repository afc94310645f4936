import { hash } from 'node:crypto';
import { formatCount } from '../../util/format.ts';
import { StoreError } from '../errors.ts';
import { type Folder, urlOf } from './folder.ts';

/** Ten million entries: more than anybody keeps, and few enough to come to an end. */
const MAX_PAGES = 10_000;
/** Servers that skip what was deleted give empty pages before the next that is none. */
const MAX_EMPTY_PAGES = 100;

/** A part of a listing, and where the next one begins; undefined in the last one. */
export interface Page<T, From> {
  readonly entries: T;
  readonly isEmpty: boolean;
  readonly next: From | undefined;
}

/**
 * A listing page by page to its end. It is whole or it is none: whoever got a part of it would take what is missing for
 * what is not there.
 * @throws StoreError `incomplete` where it has no end
 */
export async function* pagesOf<T, From extends object>(
  folder: Folder,
  read: (from: From | undefined) => Promise<Page<T, From>>,
): AsyncGenerator<T, void> {
  const seen = new Set<string>();
  let empty = 0;
  let from: From | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page: Page<T, From> = await read(from);
    yield page.entries;
    if (page.next === undefined) return;
    from = page.next;
    empty = page.isEmpty ? empty + 1 : 0;
    const place = hash('sha256', JSON.stringify(from)); // a token may be of any size
    if (seen.has(place)) throw incomplete(folder, 'the server leads back to a page that it gave already');
    if (empty > MAX_EMPTY_PAGES)
      throw incomplete(folder, `${empty} pages with nothing in them came one after another`);
    seen.add(place);
  }
  throw incomplete(folder, `it has no end after ${formatCount(MAX_PAGES)} pages`);
}

/** What makes a listing one that nothing may be concluded from. */
export function incomplete(folder: Folder, why: string): StoreError {
  return new StoreError(
    'incomplete',
    `could not list ${urlOf(folder)} as a whole: ${why}`,
    'nothing was concluded from the rest; look at the S3 server and at the proxies in between, and at their versions',
  );
}
