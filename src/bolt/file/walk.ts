import type { Finding, FindingCode } from './findings.ts';
import { type FreePages, isFree } from './freelist.ts';
import {
  BUCKET_LEAF,
  EMPTY_LEAF,
  elementOf,
  findingOf,
  NO_PAGE,
  type Records,
  REVISION_BRANCH,
  REVISION_LEAF,
  TEXT_BRANCH,
  TEXT_LEAF,
  type TextPage,
} from './records.ts';
import { compareRevisions } from './revision-key.ts';

/** Even where each branch leads to two pages, no file has so many. */
const MOST_LEVELS = 64;

/** The pages of a file, and which of them were reached so far. */
export interface Tree {
  /** pages of the tree lie from there on */
  first: number;
  pages: number;
  records: Records;
  free: FreePages;
  /** a bit for each page */
  reached: Uint8Array;
}

/** Whom a walk tells of the leaves that it comes by, in the order of their keys; text of those whose keys are no revisions. */
export type OnLeaf = (page: number, text: TextPage | undefined) => void;

/** A branch on the way down, and which of its elements comes next. */
interface Level {
  page: number;
  next: number;
}

/**
 * Goes through the tree below a page, as bbolt's Check does (tx_check.go), and more strictly: each page once, each page's
 * keys between those of the pages around it, the first of them that of its branch. @returns what is wrong first
 */
export function walk(tree: Tree, root: number, onLeaf: OnLeaf): Finding | undefined {
  const { records } = tree;
  const order = newOrder(records);
  const levels: Level[] = [];
  const first = enter(root);
  if (first !== undefined) return { page: root, code: first };
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { page, next } = level;
    if (next === records.counts[page]) {
      levels.pop();
      continue;
    }
    level.next += 1;
    if (!order.descends(page, next)) return { page, code: 'out-of-place' };
    const child = childOf(records, page, next);
    const wrong = enter(child);
    if (wrong !== undefined) return { page: child, code: wrong };
  }
  return undefined;

  function enter(page: number): FindingCode | undefined {
    const wrong = claim(tree, page) ?? findingOf(records, page);
    if (wrong !== undefined) return wrong;
    switch (records.kinds[page] ?? NO_PAGE) {
      case REVISION_BRANCH:
      case TEXT_BRANCH:
        levels.push({ page, next: 0 });
        return levels.length > MOST_LEVELS ? 'too-deep' : undefined;
      case REVISION_LEAF:
      case TEXT_LEAF:
      case BUCKET_LEAF:
        if (!order.passes(page)) return 'out-of-place';
        onLeaf(page, records.texts.get(page));
        return undefined;
      case EMPTY_LEAF: // a root alone: bbolt takes any other away
        return levels.length === 0 ? undefined : 'out-of-place';
      default: // another's, or none
        return 'no-page';
    }
  }
}

function childOf(records: Records, page: number, index: number): number {
  if (records.kinds[page] === REVISION_BRANCH) return elementOf(records, page, index).child;
  return records.texts.get(page)?.children[index] ?? 0;
}

/** Takes a page, and those behind it that belong to it, for reached. */
export function claim({ first, pages, records, free, reached }: Tree, page: number): FindingCode | undefined {
  if (page < first || page >= pages) return 'outside';
  const last = page + (records.overflows[page] ?? 0);
  for (let one = page; one <= last; one += 1) {
    const bit = 1 << (one & 7);
    const byte = reached[one >> 3] ?? 0;
    if ((byte & bit) !== 0) return 'twice';
    reached[one >> 3] = byte | bit;
    if (isFree(free, one)) return 'free-and-used';
  }
  return undefined;
}

/** The first that is neither reached nor free: where a list of free pages is kept, there is none in a sound file. */
export function lostPage({ first, pages, free, reached }: Tree): number | undefined {
  for (let page = first; page < pages; page += 1)
    if (((reached[page >> 3] ?? 0) & (1 << (page & 7))) === 0 && !isFree(free, page)) return page;
  return undefined;
}

/** Whether keys come in order, all of them revisions or none. */
interface Order {
  /** Whether the key of a branch's element is behind all before it. Its child has to begin with that key. */
  descends(page: number, index: number): boolean;
  /** Whether the keys of a leaf are behind all before them. */
  passes(page: number): boolean;
}

/**
 * bbolt checks no more than that a page does not begin before its branch's key. But it always writes that very key, and
 * finds the page in its branch by it when it writes again (node.go, spill): with another, the branch would lead to the old
 * page and the new one, and etcd dies of its first change there.
 */
function newOrder(records: Records): Order {
  const { kinds, firstMains, firstPlaces, lastMains, lastPlaces, texts } = records;
  let isText: boolean | undefined;
  let last = { main: -1, place: 0 };
  /** what the next page has to begin with; of the first nobody says it */
  let first: { main: number; place: number } | undefined;
  let lastText: Buffer | undefined;
  let firstText: Buffer | undefined;

  function isOf(kind: 'text' | 'revisions'): boolean {
    isText ??= kind === 'text';
    return isText === (kind === 'text');
  }

  /** Whether a page may have it there: it is behind all that was passed, and the first of a page is what its branch says. */
  function fits(main: number, place: number, index: number): boolean {
    if (compareRevisions(main, place, last.main, last.place) <= 0) return false;
    if (first === undefined) return true;
    const order = compareRevisions(main, place, first.main, first.place);
    return index === 0 ? order === 0 : order > 0;
  }

  function fitsText(key: Buffer, index: number): boolean {
    if (lastText !== undefined && Buffer.compare(key, lastText) <= 0) return false;
    if (firstText === undefined) return true;
    const order = Buffer.compare(key, firstText);
    return index === 0 ? order === 0 : order > 0;
  }

  return {
    descends(page, index) {
      if (kinds[page] === REVISION_BRANCH) {
        const { main, place } = elementOf(records, page, index);
        if (!isOf('revisions') || !fits(main, place, index)) return false;
        first = { main, place };
        return true;
      }
      const key = texts.get(page)?.keys[index];
      if (key === undefined || !isOf('text') || !fitsText(key, index)) return false;
      firstText = key;
      return true;
    },
    passes(page) {
      if (kinds[page] === REVISION_LEAF) {
        if (!isOf('revisions') || !fits(firstMains[page] ?? 0, firstPlaces[page] ?? 0, 0)) return false;
        last = { main: lastMains[page] ?? 0, place: lastPlaces[page] ?? 0 };
        return true;
      }
      const [key] = texts.get(page)?.keys ?? [];
      if (key === undefined || !isOf('text') || !fitsText(key, 0)) return false;
      lastText = texts.get(page)?.keys.at(-1);
      return true;
    },
  };
}
