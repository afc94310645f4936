import { hash } from 'node:crypto';
import { formatCount } from '../../util/format.ts';
import { StoreError } from '../errors.ts';
import { type Folder, urlOf } from './folder.ts';

/** Ten million entries: more than anybody keeps, and few enough to come to an end. */
const MAX_PAGES = 10_000;
/**
 * Servers that skip what was deleted give empty pages before the next that is none, and some name a folder again. One
 * that knows no tokens gives its first page for ever, each time with a new token.
 */
const MAX_IDLE_PAGES = 100;

/** A part of a listing, and where the next one begins; undefined in the last one. */
export interface Page<T, From> {
  readonly entries: T;
  /** What tells it from other pages. */
  readonly names: readonly string[];
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
  const isKnown = memory();
  let idle = 0;
  let from: From | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page: Page<T, From> = await read(from);
    yield page.entries;
    if (page.next === undefined) return;
    from = page.next;
    if (isKnown(from)) throw incomplete(folder, 'the server leads back to a page that it gave already');
    idle = page.names.length === 0 || isKnown(page.names) ? idle + 1 : 0;
    if (idle > MAX_IDLE_PAGES)
      throw incomplete(folder, `${idle} pages with nothing new in them came one after another`);
  }
  throw incomplete(folder, `it has no end after ${formatCount(MAX_PAGES)} pages`);
}

/** Whether something was asked for before. A token may be of any size, and so may a page. */
function memory(): (what: unknown) => boolean {
  const seen = new Set<string>();
  return (what) => {
    const size = seen.size;
    return seen.add(hash('sha256', JSON.stringify(what))).size === size;
  };
}

/** What makes a listing one that nothing may be concluded from. */
export function incomplete(folder: Folder, why: string): StoreError {
  return new StoreError(
    'incomplete',
    `could not list ${urlOf(folder)} as a whole: ${why}`,
    'nothing was concluded from the rest; look at the S3 server and at the proxies in between, and at their versions',
  );
}
