import { joined } from './crc.ts';

/** The pieces that the CRC of a whole is made of, leaf by leaf in any order. */
export interface Pieces {
  readonly count: number;
  /** Those of the leaf of this rank follow. */
  begin(rank: number): void;
  add(crc: number, length: number, tag: number): void;
  /** Asks for each piece whether it counts, from the last in order to the first. What does not is as if it were not there. */
  keep(counts: (tag: number) => boolean): void;
  /** The CRC of all of them in their order, behind what has the CRC `before`. */
  joinedTo(before: number): number;
}

/** What a leaf and a piece take. */
export const LEAF_BYTES = 8;
export const PIECE_BYTES = 12;

export function pieceList(leaves: number, most: number): Pieces {
  const crcs = new Uint32Array(most);
  const lengths = new Uint32Array(most);
  const tags = new Uint32Array(most);
  /** by rank */
  const firsts = new Uint32Array(leaves);
  const ends = new Uint32Array(leaves);
  let count = 0;
  let leaf = 0;
  return {
    get count() {
      return count;
    },
    begin(rank) {
      leaf = rank;
      firsts[leaf] = count;
    },
    add(crc, length, tag) {
      crcs[count] = crc;
      lengths[count] = length;
      tags[count] = tag;
      count += 1;
      ends[leaf] = count;
    },
    keep(counts) {
      for (let rank = leaves - 1; rank >= 0; rank -= 1) {
        const first = firsts[rank] ?? 0;
        for (let at = (ends[rank] ?? 0) - 1; at >= first; at -= 1) {
          if (counts(tags[at] ?? 0)) continue;
          crcs[at] = 0;
          lengths[at] = 0;
        }
      }
    },
    joinedTo(before) {
      let crc = before;
      for (let rank = 0; rank < leaves; rank += 1) {
        const end = ends[rank] ?? 0;
        for (let at = firsts[rank] ?? 0; at < end; at += 1)
          crc = joined(crc, crcs[at] ?? 0, lengths[at] ?? 0);
      }
      return crc;
    },
  };
}
