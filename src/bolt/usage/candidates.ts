import { keyText } from '../keys/key-text.ts';
import { clearMark, type Columns, isMarked, setMark } from './columns.ts';
import { keptNames } from './kept-names.ts';

interface Ranking {
  /** so many are remembered at the most */
  most: number;
  columns: Columns;
  /** the bit beside a key's group that says that its name is remembered */
  mark: number;
  /** a key with this score or less is none */
  least: number;
  scoreOf: (columns: Columns, key: number) => number;
}

export interface Candidates {
  /** The key has this score now; its bytes may be remembered. */
  offer(key: number, score: number, bytes: Buffer, from: number, to: number): void;
  /** By their scores of now, the highest first, equal ones in etcd's order. */
  foremost(most: number): { key: string; score: number }[];
}

/**
 * Remembers the names of the keys that may be the foremost by some score. A key's bytes are at hand only while one of
 * its revisions is looked at, when nobody knows yet what else will come.
 *
 * At any time every key whose score is above the threshold is remembered: it is taken in when its score rises above, and
 * only what is not above is ever forgotten. The threshold rises where there is no room for more, to the score in their
 * middle, as their scores are then.
 *
 * So the foremost are exact as far as they are above the threshold at the end. A score that only rises (the number of
 * revisions) leaves as many keys at or above the threshold as were kept: more than anybody asks for. One that may fall
 * (the size of the newest value so far) can leave fewer, and then a name may be missing that belongs there. But each key
 * that was kept, half of the most, once had a value of the threshold's size: what is missing is smaller than that part
 * of all the values in the database. (Fewer are kept where keys are much longer than usual.)
 */
export function candidates({ most, columns, mark, least, scoreOf }: Ranking): Candidates {
  const names = keptNames(most);
  let threshold = least;

  function forgetHalf(): void {
    const scores = Float64Array.from({ length: names.count() }, (_, place) =>
      scoreOf(columns, names.keyAt(place)),
    );
    const kept = scores.length >>> 1;
    const inOrder = scores.toSorted();
    threshold = Math.max(threshold, inOrder[scores.length - kept - 1] ?? least);
    let equals = kept - inOrder.length + firstAbove(inOrder, threshold);
    names.keep((key, place) => {
      const score = scores[place] ?? least;
      if (score > threshold || (score === threshold && equals-- > 0)) return true;
      clearMark(columns, key, mark);
      return false;
    });
  }

  return {
    offer(key, score, bytes, from, to) {
      if (score <= threshold || isMarked(columns, key, mark)) return;
      while (!names.add(key, bytes, from, to)) {
        forgetHalf();
        if (score <= threshold) return;
      }
      setMark(columns, key, mark);
    },
    foremost: (wanted) =>
      Array.from({ length: names.count() }, (_, place) => ({
        score: scoreOf(columns, names.keyAt(place)),
        name: names.nameAt(place),
      }))
        .filter(({ score }) => score > least)
        .toSorted((a, b) => b.score - a.score || Buffer.compare(a.name, b.name))
        .slice(0, wanted)
        .map(({ name, score }) => ({ key: keyText(name), score })),
  };
}

function firstAbove(inOrder: Float64Array, threshold: number): number {
  const found = inOrder.findIndex((score) => score > threshold);
  return found < 0 ? inOrder.length : found;
}
