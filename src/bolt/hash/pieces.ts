import { joined } from './crc.ts';
import type { Room } from '../keys/room.ts';

/** The pieces that the CRC of a whole is made of, leaf by leaf in any order. */
export interface Pieces {
  /** Whether there is room for so many more: nothing is ever written behind the end of an array. */
  hasRoom(more: number): boolean;
  /** Those of the leaf of this rank follow. */
  begin(rank: number): void;
  add(crc: number, length: number, tag: number): void;
  /** Asks for each piece whether it counts, from the last in order to the first. What does not is as if it were not there. */
  keep(counts: (tag: number) => boolean): void;
  /** The CRC of all of them in their order, behind what has the CRC `before`. */
  joinedTo(before: number): number;
}

/** What a leaf and a piece take. */
const LEAF_BYTES = 8;
const PIECE_BYTES = 12;

export function pieceList(leaves: number, mostPieces: number, room: Room): Pieces {
  const hasLeaves = room.take(leaves * LEAF_BYTES);
  const most = Math.min(mostPieces, Math.floor(room.left() / PIECE_BYTES));
  const crcs = new Uint32Array(most);
  const lengths = new Uint32Array(most);
  const tags = new Uint32Array(most);
  /** by rank */
  const firsts = new Uint32Array(leaves);
  const ends = new Uint32Array(leaves);
  let count = 0;
  /** for so many there is room already */
  let taken = 0;
  let leaf = 0;
  return {
    hasRoom(more) {
      const missing = Math.max(0, count + more - taken);
      if (!hasLeaves || taken + missing > most || !room.take(missing * PIECE_BYTES)) return false;
      taken += missing;
      return true;
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
