import type { Entry } from '../../bolt/entries.ts';
import { OTHER_KEYS } from '../../bolt/usage/names.ts';
import { resourceOf } from '../../util/resources.ts';

/** Of these resources every object is written again within seconds, or gone within the hour. */
const LEFT_OUT = ['events/', 'leases/', 'masterleases/', 'peerserverleases/'];

/** Tells Leases and Events, and the leases that API servers keep of themselves. */
export function leftOutBelow(objectPrefix: string): (entry: Entry) => boolean {
  const prefixes = LEFT_OUT.map((resource) => Buffer.from(`${objectPrefix}${resource}`));
  return (entry) => prefixes.some((prefix) => beginsWith(entry, prefix));
}

const beginsWith = ({ bytes, keyAt, keyLength }: Entry, prefix: Buffer): boolean =>
  keyLength >= prefix.length && prefix.compare(bytes, keyAt, keyAt + prefix.length) === 0;

/** What a key is of; the namespace is empty where it is in none. */
export interface Place {
  resource: string;
  namespace: string;
}

export function placeOf(key: string, objectPrefix: string): Place {
  if (!key.startsWith(objectPrefix)) return { resource: OTHER_KEYS, namespace: '' };
  const below = Buffer.from(key.slice(objectPrefix.length));
  const { name, length } = resourceOf(below);
  const slash = below.indexOf('/', length);
  return { resource: name, namespace: slash < 0 ? '' : below.toString('utf8', length, slash) };
}
