import type { FindingCode } from '../../../src/bolt/file/findings.ts';
import type { BaseName } from '../bolt-bases.ts';
import { type Element, elementOf, IN_BRANCH, type Page, pagesOf, type Tree } from '../bolt-tree.ts';

/** Where the reader is to find it. */
export interface Place {
  code: FindingCode;
  page?: number | undefined;
  bucket?: string;
}

/** One thing that is wrong with a database whose every other byte is sound; written into the file of the tree. */
export interface Damage {
  name: string;
  /** `deep` when left out */
  base?: BaseName;
  damage: (tree: Tree) => Place;
}

export function nth<T>(list: readonly T[], index: number): T {
  const found = list.at(index);
  if (found === undefined) throw new Error(`the database has no ${index}th of them`);
  return found;
}

/** Of the key space, from the middle of it: there are pages on both sides. */
export function middle(
  tree: Tree,
  kind: 'leaf' | 'branch',
  fits: (page: Page) => boolean = () => true,
): Page {
  const pages = pagesOf(tree, 'key', kind).filter((page) => page.above.length > 0 && fits(page));
  return nth(pages, Math.floor(pages.length / 2));
}

export const leafOf = (tree: Tree, elements = 3): Page =>
  middle(tree, 'leaf', (page) => page.overflow === 0 && page.elements.length >= elements);

export const elementAt = (page: Page, index: number): Element => nth(page.elements, index);

export const leadTo = ({ file }: Tree, { at }: Element, page: bigint | number): void =>
  void file.writeBigUInt64LE(BigInt(page), at + IN_BRANCH.child);

/** The element that a bucket is, in the root. */
export const bucketElement = (tree: Tree, bucket: string): Element => elementOf(tree, '', bucket).element;

export const rootOf = (tree: Tree, bucket: string): number =>
  Number(tree.file.readBigUInt64LE(bucketElement(tree, bucket).valueAt));

/** The damage to a field of a leaf of the key space, and what it is. */
export function inLeaf(
  name: string,
  code: FindingCode,
  change: (tree: Tree, page: Page) => void,
  elements?: number,
): Damage {
  const damage = (tree: Tree): Place => {
    const page = leafOf(tree, elements);
    change(tree, page);
    return { code, page: page.id, bucket: 'key' };
  };
  return { name, damage };
}

export function inBranch(name: string, code: FindingCode, change: (tree: Tree, page: Page) => void): Damage {
  const damage = (tree: Tree): Place => {
    const page = middle(tree, 'branch', ({ elements }) => elements.length >= 3);
    change(tree, page);
    return { code, page: page.id, bucket: 'key' };
  };
  return { name, damage };
}

/** The damage to a child, by the element of a branch that leads to it. */
export function byElement(
  name: string,
  code: FindingCode,
  child: (tree: Tree, page: Page) => number,
): Damage {
  const damage = (tree: Tree): Place => {
    const branch = middle(tree, 'branch', ({ elements }) => elements.length >= 3);
    const page = child(tree, branch);
    leadTo(tree, elementAt(branch, 1), page);
    return { code, page, bucket: 'key' };
  };
  return { name, damage };
}

export const byteOf =
  (place: (element: Element) => number, byte: number, index = 1) =>
  (tree: Tree, page: Page): void =>
    void tree.file.writeUInt8(byte, place(elementAt(page, index)));
