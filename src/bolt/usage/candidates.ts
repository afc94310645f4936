import { KEY_TEXT_BYTES, keyText } from '../key-text.ts';
import type { Records } from './records.ts';

/** Kubernetes' keys have some 60 to 100. */
const NAME_BYTES = 128;
/** The name, and of each its place, its length and its key's number. */
export const candidatesBytes = (most: number): number => most * (NAME_BYTES + 10);

interface Ranking {
  /** so many are remembered at the most */
  most: number;
  records: Records;
  /** the bit of a record that says that its name is remembered */
  mark: number;
  /** a key with this score or less is none */
  least: number;
  scoreOf: (key: number) => number;
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
export class Candidates {
  readonly #ranking: Ranking;
  readonly #names: Buffer;
  readonly #keys: Uint32Array;
  readonly #places: Uint32Array;
  readonly #lengths: Uint16Array;
  #count = 0;
  #used = 0;
  #threshold: number;

  constructor(ranking: Ranking) {
    const { most } = ranking;
    this.#ranking = ranking;
    this.#names = Buffer.allocUnsafeSlow(most * NAME_BYTES);
    this.#keys = new Uint32Array(most);
    this.#places = new Uint32Array(most);
    this.#lengths = new Uint16Array(most);
    this.#threshold = ranking.least;
  }

  /** The key has this score now; its bytes may be remembered. */
  offer(key: number, score: number, bytes: Buffer, from: number, to: number): void {
    const { records, mark, most } = this.#ranking;
    if (score <= this.#threshold || records.isMarked(key, mark)) return;
    const length = Math.min(to - from, KEY_TEXT_BYTES);
    while (this.#count === most || this.#used + length > this.#names.length) this.#forgetHalf();
    if (score <= this.#threshold) return;
    bytes.copy(this.#names, this.#used, from, from + length);
    this.#note(key, length);
    records.mark(key, mark);
  }

  /** By their scores of now, the highest first, equal ones in etcd's order. */
  foremost(most: number): { key: string; score: number }[] {
    const { scoreOf, least } = this.#ranking;
    const all = Array.from(this.#keys.subarray(0, this.#count), (key, at) => ({
      score: scoreOf(key),
      name: this.#nameAt(at),
    }));
    return all
      .filter(({ score }) => score > least)
      .toSorted((a, b) => b.score - a.score || Buffer.compare(a.name, b.name))
      .slice(0, most)
      .map(({ name, score }) => ({ key: keyText(name), score }));
  }

  #forgetHalf(): void {
    const { records, mark, least, scoreOf } = this.#ranking;
    const scores = new Float64Array(this.#count);
    for (let at = 0; at < scores.length; at += 1) scores[at] = scoreOf(this.#keys[at] ?? 0);
    const kept = scores.length >>> 1;
    const inOrder = scores.toSorted();
    const threshold = Math.max(this.#threshold, inOrder[scores.length - kept - 1] ?? least);
    let equals = kept - inOrder.length + firstAbove(inOrder, threshold);
    this.#count = 0;
    this.#used = 0;
    for (let at = 0; at < scores.length; at += 1) {
      const score = scores[at] ?? least;
      if (score > threshold || (score === threshold && equals-- > 0)) this.#moveUp(at);
      else records.unmark(this.#keys[at] ?? 0, mark);
    }
    this.#threshold = threshold;
  }

  /** Behind those that are kept already. */
  #moveUp(at: number): void {
    const name = this.#nameAt(at);
    this.#names.copyWithin(this.#used, name.byteOffset, name.byteOffset + name.length);
    this.#note(this.#keys[at] ?? 0, name.length);
  }

  #note(key: number, length: number): void {
    this.#keys[this.#count] = key;
    this.#places[this.#count] = this.#used;
    this.#lengths[this.#count] = length;
    this.#count += 1;
    this.#used += length;
  }

  #nameAt(at: number): Buffer {
    const place = this.#places[at] ?? 0;
    return this.#names.subarray(place, place + (this.#lengths[at] ?? 0));
  }
}

function firstAbove(inOrder: Float64Array, threshold: number): number {
  const found = inOrder.findIndex((score) => score > threshold);
  return found < 0 ? inOrder.length : found;
}
