import type { Room } from './room.ts';

export const TOMBSTONE = 0xffff_ffff;
/** A group's number has so many bits; each bit beside them is a mark. */
export const GROUP_BITS = 28;

const CHUNK_SHIFT = 13;
const CHUNK_KEYS = 2 ** CHUNK_SHIFT;
/** A key's words, of four bytes each. `main` is two of them, a double. */
const KEY_SHIFT = 3;
const LOW = 0;
const HIGH = 1;
const MAIN = 2;
const SUB = 4;
const LENGTH = 5;
const REVISIONS = 6;
const GROUP = 7;
const CHUNK_BYTES = (CHUNK_KEYS << KEY_SHIFT) * 4;
const GROUP_MASK = 2 ** GROUP_BITS - 1;

// Nobody asks for a key that was not added: these stand there for the compiler.
const NO_WORDS = new Uint32Array(0);
const NO_DOUBLES = new Float64Array(0);

/** What is known of each key, 32 bytes each, in chunks that are never copied. A key's number is its place. */
export class Records {
  readonly #room: Room;
  readonly #words: Uint32Array[] = [];
  /** of the same bytes */
  readonly #doubles: Float64Array[] = [];
  #keys = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  get keys(): number {
    return this.#keys;
  }

  /** @returns the new key's number; -1 where there is no room */
  add(high: number, low: number, group: number): number {
    if (this.#keys === this.#words.length * CHUNK_KEYS && !this.#addChunk()) return -1;
    const key = this.#keys;
    this.#keys += 1;
    this.#set(key, LOW, low);
    this.#set(key, HIGH, high);
    this.#set(key, GROUP, group);
    return key;
  }

  #addChunk(): boolean {
    if (!this.#room.take(CHUNK_BYTES)) return false;
    const chunk = new ArrayBuffer(CHUNK_BYTES);
    this.#words.push(new Uint32Array(chunk));
    this.#doubles.push(new Float64Array(chunk));
    return true;
  }

  /** One more revision; the length of its value, or `TOMBSTONE`. @returns whether it is the newest so far */
  see(key: number, main: number, sub: number, length: number): boolean {
    const mains = this.#doubles[key >>> CHUNK_SHIFT] ?? NO_DOUBLES;
    const mainAt = (atOf(key) + MAIN) >>> 1;
    const newest = mains[mainAt] ?? 0;
    const seen = this.revisions(key);
    this.#set(key, REVISIONS, seen + 1);
    if (seen > 0 && (main < newest || (main === newest && sub < this.#word(key, SUB)))) return false;
    mains[mainAt] = main;
    this.#set(key, SUB, sub);
    this.#set(key, LENGTH, length);
    return true;
  }

  high(key: number): number {
    return this.#word(key, HIGH);
  }

  low(key: number): number {
    return this.#word(key, LOW);
  }

  /** So far. */
  revisions(key: number): number {
    return this.#word(key, REVISIONS);
  }

  /** Of the newest value so far; -1 where that is a tombstone. */
  length(key: number): number {
    const length = this.#word(key, LENGTH);
    return length === TOMBSTONE ? -1 : length;
  }

  group(key: number): number {
    return this.#word(key, GROUP) & GROUP_MASK;
  }

  isMarked(key: number, mark: number): boolean {
    return (this.#word(key, GROUP) & mark) !== 0;
  }

  mark(key: number, mark: number): void {
    this.#set(key, GROUP, this.#word(key, GROUP) | mark);
  }

  unmark(key: number, mark: number): void {
    this.#set(key, GROUP, this.#word(key, GROUP) & ~mark);
  }

  #word(key: number, field: number): number {
    return (this.#words[key >>> CHUNK_SHIFT] ?? NO_WORDS)[atOf(key) + field] ?? 0;
  }

  #set(key: number, field: number, value: number): void {
    (this.#words[key >>> CHUNK_SHIFT] ?? NO_WORDS)[atOf(key) + field] = value;
  }
}

/** The first of a key's words in its chunk. */
const atOf = (key: number): number => (key & (CHUNK_KEYS - 1)) << KEY_SHIFT;
