import { partEnd, resourceEnd, resourceOf } from '../../util/resources.ts';
import { keyNumbers } from '../keys/key-numbers.ts';
import { keyText } from '../keys/key-text.ts';
import type { Room } from '../keys/room.ts';
import { GROUP_BITS } from './columns.ts';
import { OTHER, OTHER_KEYS } from './names.ts';

/** A key's group is its resource's number, and behind these bits its namespace's. */
const RESOURCE_BITS = 12;
const RESOURCES = 2 ** RESOURCE_BITS;
const RESOURCE_MASK = RESOURCES - 1;
/** Kubernetes itself says that it works with 10,000 of them. */
const NAMESPACES = 2 ** (GROUP_BITS - RESOURCE_BITS - 2);
/** What a name takes at the end, in a map: the longest one. */
const NAME_BYTES = 500;
/** So much of a key is enough to name its resource and its namespace. */
const MOST_NAMED = 512;
/** A namespace's name has at most 63. */
const MOST_NAMESPACE = 120;

/** What they take without any name. */
export const GROUPS_BYTES = (RESOURCES + NAMESPACES) * 8;

/** Which resource and which namespace a key is of, and how many bytes each of them has in values of all revisions. */
export interface Groups {
  /** by number */
  readonly resources: readonly string[];
  readonly namespaces: readonly string[];
  readonly resourceBytes: Float64Array;
  readonly namespaceBytes: Float64Array;
  /** That of a key which was not seen before. */
  of(bytes: Buffer, from: number, to: number): number;
  add(group: number, bytes: number): void;
}

export function groupsBelow(objectPrefix: string, room: Room): Groups {
  const prefix = Buffer.from(objectPrefix);
  const resources = namesWithin(room, RESOURCES, [OTHER, OTHER_KEYS], resourceName);
  const namespaces = namesWithin(room, NAMESPACES, [OTHER], namespaceName);
  const otherKeys = packed(1, namespaces.numberOf(prefix, 0, 0));
  const resourceBytes = new Float64Array(RESOURCES);
  const namespaceBytes = new Float64Array(NAMESPACES);
  return {
    resources: resources.names,
    namespaces: namespaces.names,
    resourceBytes,
    namespaceBytes,
    of(bytes, from, to) {
      if (!beginsWith(prefix, bytes, from, to)) return otherKeys;
      const begin = from + prefix.length;
      const end = resourceEnd(bytes, begin, to);
      const slash = partEnd(bytes, end, to);
      // Something has to follow the namespace: what comes last is the object's own name.
      const namespaceEnd = slash < to ? slash - 1 : end;
      return packed(resources.numberOf(bytes, begin, end), namespaces.numberOf(bytes, end, namespaceEnd));
    },
    add(group, bytes) {
      resourceBytes[resourceIn(group)] = (resourceBytes[resourceIn(group)] ?? 0) + bytes;
      namespaceBytes[namespaceIn(group)] = (namespaceBytes[namespaceIn(group)] ?? 0) + bytes;
    },
  };
}

/** Names by the bytes that they were made of. */
interface Names {
  names: readonly string[];
  numberOf(bytes: Buffer, from: number, to: number): number;
}

/** The first is that of all for which there is no room any more. */
function namesWithin(
  room: Room,
  most: number,
  first: readonly string[],
  nameOf: (bytes: Buffer) => string,
): Names {
  const names = [...first];
  const numbers = keyNumbers(room, most - first.length);
  return {
    names,
    numberOf(bytes, from, to) {
      const found = numbers.of(bytes, from, to - from);
      const number = first.length + found;
      if (found < 0) return 0;
      if (number < names.length) return number;
      // One for which there was no room before stays without a name, and so do all behind it.
      if (number > names.length || !room.take(NAME_BYTES)) return 0;
      names.push(nameOf(bytes.subarray(from, Math.min(to, from + MOST_NAMED))));
      return number;
    },
  };
}

const resourceName = (bytes: Buffer): string => resourceOf(bytes).name;
const namespaceName = (bytes: Buffer): string => keyText(bytes).slice(0, MOST_NAMESPACE);

function beginsWith(prefix: Buffer, bytes: Buffer, from: number, to: number): boolean {
  if (to - from < prefix.length) return false;
  for (let at = 0; at < prefix.length; at += 1) if (bytes[from + at] !== prefix[at]) return false;
  return true;
}

const packed = (resource: number, namespace: number): number => resource | (namespace << RESOURCE_BITS);
export const resourceIn = (group: number): number => group & RESOURCE_MASK;
export const namespaceIn = (group: number): number => group >>> RESOURCE_BITS;
