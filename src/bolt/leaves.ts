import { leafShower } from './file/leaf-entries.ts';
import type { EntryVisitor } from './entries.ts';
import { PAGE_HEADER_BYTES, pageHead, type Part, partOf } from './file/layout.ts';
import type { Head } from './file/meta.ts';
import type { Structure } from './structure.ts';

/** Reads the revisions of a database whose structure is known, as it streams by once more. */
export interface LeafReader {
  /** Takes the next bytes of the file. */
  take(bytes: Buffer): void;
  /** To be called when all have come. */
  end(): Shown;
}

/** `too-large`: to hold one of the leaves would take more memory than it may. `changed`: one was not as it was proved. */
export type Shown = 'all' | 'too-large' | 'changed';

/** Larger than what etcd takes in one request by default, several times; the largest leaf has four values of it. */
const MAX_LEAF_BYTES = 64 * 2 ** 20;

/** What is held of a structure while its leaves are read, in bytes: a number a page, and one a leaf. */
export const heldBytes = ({ head, leaves }: Pick<Structure, 'head' | 'leaves'>): number =>
  4 * (head.pages + leaves.length);

/**
 * Shows every revision to `visitor`, leaf by leaf as they lie in the file. The bytes may be other ones than those whose
 * structure was proved, since their checksum is known at the end only: nothing outside of a leaf is ever touched, and
 * `end` tells.
 */
export function leafReader(
  { head, leaves, inlineLeaf }: Pick<Structure, 'head' | 'leaves' | 'inlineLeaf'>,
  visitor: EntryVisitor,
): LeafReader {
  const { pageSize, pages } = head;
  const ranks = ranksOf(leaves, pages);
  const show = leafShower(visitor, head.littleEndian);
  const gathered = newGathering();
  let shown = 0;
  let isTooLarge = false;
  let position = 0;
  /** the next page that begins a leaf, from where the last one was looked for; kept, for most of a file may be free */
  let next = 0;

  function showAt(bytes: Buffer, part: Part, page: number, size: number): void {
    const place = { page, start: page * pageSize, end: page * pageSize + size };
    if (size > bytes.length) isTooLarge = true;
    else if (show((ranks[page] ?? 0) - 1, bytes, part, place)) shown += 1;
  }

  /** Shows the leaf that begins there, where all of it is at hand. @returns where it goes on */
  function look(page: number, piece: Buffer, part: Part): number {
    const at = page * pageSize - position;
    const size = at + PAGE_HEADER_BYTES > piece.length ? undefined : bytesOfLeaf(part, page, head);
    if (size === undefined || at + size > piece.length) {
      gathered.begin(page, PAGE_HEADER_BYTES);
      return at;
    }
    showAt(piece, part, page, size);
    return at + size;
  }

  return {
    take(piece) {
      const part = partOf(piece, position);
      let at = 0;
      while (at < piece.length) {
        if (gathered.page() === undefined) {
          next = nextLeaf(ranks, Math.max(next, Math.ceil((position + at) / pageSize)));
          at = next * pageSize - position;
          if (next >= pages || at >= piece.length) break;
          at = look(next, piece, part);
        } else at += gather(gathered, piece, at, head, showAt);
      }
      position += piece.length;
    },
    end() {
      if (isTooLarge) return 'too-large';
      const isAll = inlineLeaf === undefined ? shown === leaves.length : showInline(show, inlineLeaf);
      return isAll ? 'all' : 'changed';
    },
  };
}

/** With the pages behind the first, by the first one's word. */
const bytesOfLeaf = (part: Part, page: number, { pageSize, littleEndian }: Head): number =>
  ((pageHead(part, page, page * pageSize, littleEndian)?.overflow ?? 0) + 1) * pageSize;

/** The first from there on that begins a leaf, or behind the last page. */
function nextLeaf(ranks: Uint32Array, from: number): number {
  let page = from;
  while (page < ranks.length && ranks[page] === 0) page += 1;
  return page;
}

const showInline = (show: ReturnType<typeof leafShower>, bytes: Buffer): boolean =>
  show(0, bytes, partOf(bytes, 0), { page: 0, start: 0, end: bytes.length });

/** What is at hand of a leaf, and how long it is. */
type ShowAt = (bytes: Buffer, part: Part, page: number, size: number) => void;

/** Takes as much of the piece as the leaf needs that is gathered, and shows it when it is whole or too large. @returns bytes taken */
function gather(gathered: Gathering, piece: Buffer, from: number, head: Head, showAt: ShowAt): number {
  const taken = gathered.add(piece, from);
  const page = gathered.page();
  if (page === undefined || !gathered.isWhole()) return taken;
  const bytes = gathered.bytes();
  const part = partOf(bytes, page * head.pageSize);
  const size = bytesOfLeaf(part, page, head);
  if (size > bytes.length && size <= MAX_LEAF_BYTES) gathered.want(size);
  else {
    gathered.end();
    showAt(bytes, part, page, size);
  }
  return taken;
}

/** A leaf that does not lie in one piece of the stream: its head first, which says how long it is. */
interface Gathering {
  begin(page: number, wanted: number): void;
  end(): void;
  /** Undefined where none is being gathered. */
  page(): number | undefined;
  /** More of it than was wanted before. */
  want(bytes: number): void;
  /** Takes what is missing from there on. @returns how many bytes that were */
  add(piece: Buffer, from: number): number;
  isWhole(): boolean;
  bytes(): Buffer;
}

function newGathering(): Gathering {
  let buffer: Buffer = Buffer.alloc(0);
  let gathering: number | undefined;
  let filled = 0;
  let wanted = 0;
  function want(bytes: number): void {
    wanted = bytes;
    if (wanted <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(wanted, Math.min(2 * buffer.length, MAX_LEAF_BYTES)));
    buffer.copy(larger, 0, 0, filled);
    buffer = larger;
  }
  return {
    begin(page, bytes) {
      gathering = page;
      filled = 0;
      want(bytes);
    },
    end() {
      gathering = undefined;
    },
    page: () => gathering,
    want,
    add(piece, from) {
      const taken = piece.copy(buffer, filled, from, Math.min(piece.length, from + wanted - filled));
      filled += taken;
      return taken;
    },
    isWhole: () => filled === wanted,
    bytes: () => buffer.subarray(0, wanted),
  };
}

/** By page, one more than the place of the leaf that begins there; 0: none does. */
function ranksOf(leaves: Uint32Array, pages: number): Uint32Array {
  const ranks = new Uint32Array(pages);
  leaves.forEach((page, index) => {
    ranks[page] = index + 1;
  });
  return ranks;
}
