import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Judgement, structureReader } from '../../../src/bolt/structure.ts';
import { BRANCH, LEAF } from '../../support/bolt-tree.ts';
import {
  type HostileFile,
  piecesOf,
  revisionKey,
  writeBranch,
  writeHead,
  writeLeaf,
} from '../../support/hostile-file.ts';
import { MIB } from '../../support/units.ts';

/**
 * Files that were made to be read for ever, or into all memory there is. Whatever is said of them: it is said soon, and
 * out of what the reader may use.
 */

/** The reader's own bound, what it takes while a page comes, and what V8 has not given back yet. */
const LIMIT_BYTES = 16 * MIB;
const MOST_BYTES = 4 * LIMIT_BYTES;
const MOST_MS_PER_MIB = 150;

function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function judged(file: HostileFile): { judgement: Judgement; bytes: number; ms: number } {
  globalThis.gc?.();
  const before = used();
  let most = 0;
  let ms = 0;
  const reader = structureReader(LIMIT_BYTES);
  const timed = <T>(act: () => T): T => {
    const begun = performance.now();
    const result = act();
    ms += performance.now() - begun;
    return result;
  };
  for (const piece of piecesOf(file)) {
    timed(() => reader.take(piece));
    most = Math.max(most, used());
  }
  const judgement = timed(() => reader.judge());
  return { judgement, bytes: Math.max(most, used()) - before, ms };
}

const FILE = { pageSize: 4096, pages: 1024 };
const SMALL_PAGES = { pageSize: 512, pages: 8192 };
const noBucket = Buffer.alloc(32); // its root is inline, and no page
noBucket.writeUInt16LE(2, 24);

/**
 * A page whose last field skips what the next page begins with, so that all of them together are one `KeyValue` from
 * wherever it begins: in fields of two bytes, `create_revision` again and again.
 */
function writeEndless(page: Buffer, id: number, pages: number, isLeaf: boolean): void {
  const key = revisionKey(id);
  const begin = 32 + key.length;
  const valueLength = (pages - id) * page.length - begin;
  writeLeaf(page, isLeaf ? id : 0, [{ key, value: Buffer.alloc(0), valueLength }], pages - 1 - id);
  page.set([0x10, 0x80, 0x01], begin);
  for (let at = begin + 3; at < page.length; at += 2) page.set([0x10, 0x01], at);
  if (id < pages - 1) page.set([0x2a, begin], page.length - 2);
}

/** A leaf of buckets that goes on over the next pages, which do the same. */
function writeBuckets(page: Buffer, id: number, nameLengths: readonly number[]): void {
  const bytes = nameLengths.reduce((sum, length) => sum + 16 + length + noBucket.length, 16);
  writeHead(page, id, LEAF, nameLengths.length, Math.ceil(bytes / page.length) - 1);
  let next = 16 + 16 * nameLengths.length;
  page.writeUInt32BE(id, next); // where a name begins, whatever page its leaf begins with
  nameLengths.forEach((length, index) => {
    const at = 16 + 16 * index;
    page.writeUInt32LE(1, at);
    page.writeUInt32LE(next - at, at + 4);
    page.writeUInt32LE(length, at + 8);
    page.writeUInt32LE(noBucket.length, at + 12);
    next += length + noBucket.length;
  });
}

const NAMES = Array.from({ length: 100 }, () => FILE.pageSize - noBucket.length);

const ROWS: Record<string, { file: HostileFile; is: Judgement['kind'] | RegExp }> = {
  'nothing but zeros': { file: FILE, is: /no-page/ },
  'leaves of 65,535 elements': {
    file: { ...FILE, page: (page, id) => writeHead(page, id, LEAF, 0xffff) },
    is: /element/,
  },
  'branches of 65,535 elements': {
    file: { ...FILE, page: (page, id) => writeHead(page, id, BRANCH, 0xffff) },
    is: /element/,
  },
  'leaves that go on for 2^32 pages': {
    file: { ...FILE, page: (page, id) => writeHead(page, id, LEAF, 1, 2 ** 32 - 1) },
    is: /overflow-outside/,
  },
  'leaves that all go on to the end': {
    file: { ...SMALL_PAGES, page: (page, id) => writeEndless(page, id, SMALL_PAGES.pages, true) },
    is: /no-key-value/,
  },
  'leaves that all have one more key, at the end of the file': {
    file: {
      ...SMALL_PAGES,
      page: (page, id) => {
        const valueLength = (SMALL_PAGES.pages - id) * 512 - 100;
        // All of it one field of the value, whose length is written in four bytes.
        const rest = valueLength - 5;
        const value = Buffer.of(0x2a, rest | 0x80, (rest >> 7) | 0x80, (rest >> 14) | 0x80, rest >> 21);
        const elements = [1, 2].map((main) => ({ key: revisionKey(main), value, valueLength }));
        writeLeaf(page, id, elements, SMALL_PAGES.pages - 1 - id);
        page.writeUInt32LE(valueLength + 17 + 16, 36); // the second key, behind the first one's value
        page.writeUInt32LE(0, 44);
      },
    },
    is: 'not-checked',
  },
  'a thousand leaves that go on to the end, one over the other, in fields of two bytes': {
    file: { ...SMALL_PAGES, page: (page, id) => writeEndless(page, id, SMALL_PAGES.pages, id < 1000) },
    is: /no-key-value/,
  },
  'branches of twenty thousand levels': {
    file: {
      ...SMALL_PAGES,
      pages: 20_002,
      page: (page, id) => writeBranch(page, id, [{ key: revisionKey(1), child: id + 1 }]),
    },
    is: /too-deep/,
  },
  'branches of twenty thousand levels, none of which begins with the key of the one above': {
    file: {
      ...SMALL_PAGES,
      pages: 20_002,
      page: (page, id) => writeBranch(page, id, [{ key: revisionKey(id), child: id + 1 }]),
    },
    is: /out-of-place/,
  },
  'branches full of elements, all of which lead to one page': {
    file: {
      ...FILE,
      page: (page, id) =>
        writeBranch(
          page,
          id,
          Array.from({ length: 123 }, (_, index) => ({ key: revisionKey(index), child: 3 })),
        ),
    },
    is: /.*/,
  },
  'branches full of keys that are no revisions': {
    file: {
      ...FILE,
      page: (page, id) =>
        writeBranch(
          page,
          id,
          Array.from({ length: 200 }, (_, index) => ({ key: Buffer.from([index + 1]), child: 3 })),
        ),
    },
    is: 'not-checked',
  },
  'roots of a hundred buckets each': {
    file: {
      ...FILE,
      page: (page, id) =>
        writeLeaf(
          page,
          id,
          Array.from({ length: 70 }, (_, index) => ({
            key: Buffer.from([index + 1]),
            value: noBucket,
            isBucket: true,
          })),
        ),
    },
    is: 'not-checked',
  },
  'leaves one over the other, of buckets whose names are as long as pages': {
    file: { ...FILE, page: (page, id) => writeBuckets(page, id, NAMES) },
    is: 'not-checked',
  },
  '16 TiB by its own word': {
    file: { ...FILE, pages: 100, saidPages: 2 ** 32 },
    is: /.*/,
  },
  'the most pages that there can be': {
    file: { ...FILE, pages: 100, saidPages: 2 ** 41 - 1 },
    is: /.*/,
  },
};

describe('is judged soon, and in bounded memory:', () => {
  for (const [name, { file, is }] of Object.entries(ROWS))
    test(name, (t) => {
      const { judgement, bytes, ms } = judged(file);
      const said = JSON.stringify(judgement);
      t.diagnostic(`${said}, ${Math.round(ms)} ms, ${(bytes / MIB).toFixed(1)} MiB`);
      if (typeof is === 'string') assert.equal(judgement.kind, is, said);
      else assert.match(said, is);
      assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
      const mebibytes = (file.pages * file.pageSize) / MIB;
      assert.ok(ms < 1000 + MOST_MS_PER_MIB * mebibytes, `${ms} ms for ${mebibytes} MiB`);
    });
});
