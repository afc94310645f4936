import { partEnd, resourceEnd, resourceOf } from '../../util/resources.ts';
import { keyText } from '../key-text.ts';
import type { Fingerprint, Fingerprinting } from './fingerprint.ts';
import { OTHER, OTHER_KEYS } from './names.ts';
import { GROUP_BITS } from './records.ts';
import type { Room } from './room.ts';

/** A key's group is its resource's number, and behind these bits its namespace's. */
const RESOURCE_BITS = 12;
const RESOURCES = 2 ** RESOURCE_BITS;
const RESOURCE_MASK = RESOURCES - 1;
/** Kubernetes itself says that it works with 10,000 of them. */
const NAMESPACES = 2 ** (GROUP_BITS - RESOURCE_BITS - 2);
/** What a name takes with its fingerprint, in two maps at the end: the longest one. */
const NAME_BYTES = 500;
/** So much of a key is enough to name its resource and its namespace. */
const MOST_NAMED = 512;
/** A namespace's name has at most 63. */
const MOST_NAMESPACE = 120;

/** What they take without any name. */
export const GROUPS_BYTES = (RESOURCES + NAMESPACES) * 8;

/** Names by the bytes that they were made of. The first is that of all for which there is no room any more. */
class Names {
  readonly #most: number;
  readonly #room: Room;
  readonly #numbers = new Map<number, number>();
  readonly names: string[];

  constructor(most: number, room: Room, names: string[]) {
    this.#most = most;
    this.#room = room;
    this.names = names;
  }

  numberOf({ high, low }: Fingerprint, nameOf: () => string): number {
    // As many bits as a number has, enough for some thousands of names.
    const print = (high & 0x1f_ffff) * 2 ** 32 + low;
    const found = this.#numbers.get(print);
    if (found !== undefined) return found;
    const number = this.names.length;
    if (number >= this.#most || !this.#room.take(NAME_BYTES)) return 0;
    this.#numbers.set(print, number);
    this.names.push(nameOf());
    return number;
  }
}

/** Which resource and which namespace a key is of, and how many bytes each of them has in values of all revisions. */
export class Groups {
  readonly #prefix: Buffer;
  readonly #fingerprint: Fingerprinting;
  readonly #resources: Names;
  readonly #namespaces: Names;
  /** of keys that are no objects */
  readonly #otherKeys: number;
  readonly resourceBytes = new Float64Array(RESOURCES);
  readonly namespaceBytes = new Float64Array(NAMESPACES);

  constructor(objectPrefix: string, fingerprint: Fingerprinting, room: Room) {
    this.#prefix = Buffer.from(objectPrefix);
    this.#fingerprint = fingerprint;
    this.#resources = new Names(RESOURCES, room, [OTHER, OTHER_KEYS]);
    this.#namespaces = new Names(NAMESPACES, room, [OTHER]);
    const namespace = this.#namespaces.numberOf(fingerprint(this.#prefix, 0, 0), () => '');
    this.#otherKeys = packed(1, namespace);
  }

  get resources(): readonly string[] {
    return this.#resources.names;
  }

  get namespaces(): readonly string[] {
    return this.#namespaces.names;
  }

  /** That of a key which was not seen before. */
  of(bytes: Buffer, from: number, to: number): number {
    if (!this.#isObject(bytes, from, to)) return this.#otherKeys;
    const begin = from + this.#prefix.length;
    const end = resourceEnd(bytes, begin, to);
    const slash = partEnd(bytes, end, to);
    // Something has to follow the namespace: what comes last is the object's own name.
    const namespaceEnd = slash < to ? slash - 1 : end;
    return packed(this.#resource(bytes, begin, end), this.#namespace(bytes, end, namespaceEnd));
  }

  add(group: number, bytes: number): void {
    this.resourceBytes[resourceIn(group)] = (this.resourceBytes[resourceIn(group)] ?? 0) + bytes;
    this.namespaceBytes[namespaceIn(group)] = (this.namespaceBytes[namespaceIn(group)] ?? 0) + bytes;
  }

  #isObject(bytes: Buffer, from: number, to: number): boolean {
    const prefix = this.#prefix;
    if (to - from < prefix.length) return false;
    for (let at = 0; at < prefix.length; at += 1) if (bytes[from + at] !== prefix[at]) return false;
    return true;
  }

  #resource(bytes: Buffer, from: number, to: number): number {
    const named = (): string => resourceOf(bytes.subarray(from, Math.min(to, from + MOST_NAMED))).name;
    return this.#resources.numberOf(this.#fingerprint(bytes, from, to), named);
  }

  #namespace(bytes: Buffer, from: number, to: number): number {
    const named = (): string =>
      keyText(bytes.subarray(from, Math.min(to, from + MOST_NAMED))).slice(0, MOST_NAMESPACE);
    return this.#namespaces.numberOf(this.#fingerprint(bytes, from, to), named);
  }
}

const packed = (resource: number, namespace: number): number => resource | (namespace << RESOURCE_BITS);
export const resourceIn = (group: number): number => group & RESOURCE_MASK;
export const namespaceIn = (group: number): number => group >>> RESOURCE_BITS;
