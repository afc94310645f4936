/**
 * Takes a sound database apart, to know where which bytes are: what the tests damage. It looks for nothing and believes
 * everything.
 */

const PAGE_HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
const BUCKET_HEADER_BYTES = 16;
export const BRANCH = 1;
export const LEAF = 2;
export const FREELIST = 16;
const NO_FREELIST = 0xffff_ffff_ffff_ffffn;

/** Where the fields of a page's head are. */
export const HEAD = { id: 0, flags: 8, count: 10, overflow: 12 };
/** Where those of an element are. */
export const IN_BRANCH = { position: 0, keyLength: 4, child: 8 };
export const IN_LEAF = { flags: 0, position: 4, keyLength: 8, valueLength: 12 };

export interface Element {
  /** where its sixteen bytes are in the file, its key, and in a leaf its value */
  at: number;
  keyAt: number;
  keyLength: number;
  valueAt: number;
  valueLength: number;
  /** the page that it leads to, in a branch */
  child: number;
  isBucket: boolean;
}

export interface Page {
  /** an inline bucket's page has the number of the one that it lies in */
  id: number;
  at: number;
  isLeaf: boolean;
  overflow: number;
  /** empty for the root */
  bucket: string;
  inline: boolean;
  /** the branches that lead to it within its bucket, the root first */
  above: number[];
  elements: Element[];
}

export interface Tree {
  file: Buffer;
  pageSize: number;
  /** of the file */
  pages: number;
  live: Page[];
  /** pages that nothing reaches, those that overflow from live ones not among them */
  stale: number[];
  freelist?: number;
}

export function treeOf(file: Buffer): Tree {
  const pageSize = file.readUInt32LE(24);
  const pages = file.length / pageSize;
  const live: Page[] = [];
  const freelist = file.readBigUInt64LE(48);
  const tree: Tree = { file, pageSize, pages, live, stale: [] };
  if (freelist !== NO_FREELIST) tree.freelist = Number(freelist);
  visit(tree, Number(file.readBigUInt64LE(32)), '', []);
  const reached = new Set([0, 1]);
  const reach = (id: number): void => {
    for (let page = id; page <= id + file.readUInt32LE(id * pageSize + HEAD.overflow); page += 1)
      reached.add(page);
  };
  for (const page of live) reach(page.id);
  if (tree.freelist !== undefined) reach(tree.freelist);
  for (let id = 2; id < pages; id += 1) if (!reached.has(id)) tree.stale.push(id);
  return tree;
}

function visit(tree: Tree, id: number, bucket: string, above: number[]): void {
  const page = pageAt(tree.file, id, id * tree.pageSize, bucket, above);
  tree.live.push(page);
  for (const element of page.elements) {
    if (!page.isLeaf) visit(tree, element.child, bucket, [...above, id]);
    else if (element.isBucket) visitBucket(tree, page, element);
  }
}

function visitBucket(tree: Tree, page: Page, { keyAt, keyLength, valueAt }: Element): void {
  const bucket = tree.file.toString('latin1', keyAt, keyAt + keyLength);
  const root = Number(tree.file.readBigUInt64LE(valueAt));
  if (root !== 0) return visit(tree, root, bucket, []);
  const inline = pageAt(tree.file, page.id, valueAt + BUCKET_HEADER_BYTES, bucket, []);
  tree.live.push({ ...inline, inline: true });
}

function pageAt(file: Buffer, id: number, at: number, bucket: string, above: number[]): Page {
  const isLeaf = file.readUInt16LE(at + HEAD.flags) === LEAF;
  const elements = Array.from({ length: file.readUInt16LE(at + HEAD.count) }, (_, index) =>
    elementAt(file, isLeaf, at + PAGE_HEADER_BYTES + index * ELEMENT_BYTES),
  );
  const overflow = file.readUInt32LE(at + HEAD.overflow);
  return { id, at, isLeaf, overflow, bucket, inline: false, above, elements };
}

function elementAt(file: Buffer, isLeaf: boolean, at: number): Element {
  const fields = isLeaf ? IN_LEAF : IN_BRANCH;
  const keyAt = at + file.readUInt32LE(at + fields.position);
  const keyLength = file.readUInt32LE(at + fields.keyLength);
  return {
    at,
    keyAt,
    keyLength,
    valueAt: keyAt + keyLength,
    valueLength: isLeaf ? file.readUInt32LE(at + IN_LEAF.valueLength) : 0,
    child: isLeaf ? 0 : Number(file.readBigUInt64LE(at + IN_BRANCH.child)),
    isBucket: isLeaf && (file.readUInt32LE(at) & 1) === 1,
  };
}

/** The pages of a bucket that are of this kind, in the order of their keys; inline ones are not among them. */
export function pagesOf(tree: Tree, bucket: string, kind: 'leaf' | 'branch'): Page[] {
  return tree.live.filter(
    (page) => page.bucket === bucket && !page.inline && page.isLeaf === (kind === 'leaf'),
  );
}

/** Its element of that key. */
export function elementOf(tree: Tree, bucket: string, key: string): { page: Page; element: Element } {
  for (const page of tree.live)
    if (page.bucket === bucket && page.isLeaf)
      for (const element of page.elements) if (keyOf(tree, element) === key) return { page, element };
  throw new Error(`no key ${key} in the bucket ${bucket}`);
}

export const keyOf = ({ file }: Tree, { keyAt, keyLength }: Element): string =>
  file.toString('latin1', keyAt, keyAt + keyLength);
