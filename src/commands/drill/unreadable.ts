import { valueOf } from '../../etcd/client/keys.ts';
import { keysBelow } from '../../etcd/cluster/objects.ts';
import { type Sealed, sealedAs } from '../../kubernetes/encryption.ts';
import { readObject } from '../../kubernetes/objects.ts';
import { textAt } from '../../kubernetes/read.ts';
import { quoted } from '../../util/printable.ts';
import { AT_ONCE, inParallel } from '../../util/parallel.ts';
import type { Place, Scratch, Unreadable } from './types.ts';

export interface EachRead {
  /** objects that were read */
  read: number;
  unreadable?: Unreadable;
  /** whether a KMS provider holds the keys of all of them */
  sealedByKms: boolean;
}

/** So many are named. */
const NAMED = 50;

/** What a custom resource's object is refused with whose version has to be converted. */
const UNCONVERTED = /^conversion webhook for .+ failed: /;

interface Fault {
  name: string;
  message: string;
  sealed: Sealed | undefined;
}

/** Reads every object of a resource by its name: a list fails as a whole, and names one object at the most. */
export async function readEach(scratch: Scratch, resource: Place): Promise<EachRead> {
  const { connection, prefix } = scratch;
  const names: string[] = [];
  let first: Fault | undefined;
  let firstByKms: Fault | undefined;
  let read = 0;
  let count = 0;
  let byKms = 0;
  let unconverted = 0;
  for await (const page of keysBelow(connection, `${prefix}${resource.place}`)) {
    const faults = await inParallel(page, AT_ONCE, (name) => faultOf(scratch, resource, name));
    for (const fault of faults) {
      if (fault === 'gone') continue;
      if (fault === 'unconverted') {
        unconverted += 1;
        continue;
      }
      if (fault === undefined) {
        read += 1;
        continue;
      }
      count += 1;
      if (fault.sealed?.provider === 'kms') {
        byKms += 1;
        firstByKms ??= fault;
      } else first ??= fault;
      if (names.length < NAMED) names.push(fault.name);
    }
  }
  const worst = first ?? firstByKms; // the plugin's absence is no fault of the backup
  if (worst === undefined) return { read, sealedByKms: false };
  const others =
    first !== undefined && byKms > 0 ? `; ${byKms} of them need the plugin of a KMS provider` : '';
  const reason = `${reasonOf(worst, count, read + count + unconverted)}${others}`;
  return { read, unreadable: { count, names, reason }, sealedByKms: byKms === count };
}

/**
 * What keeps an object from being read; undefined where nothing does. What has a lease may have gone meanwhile, and what
 * was decrypted and decoded may still need a webhook, which is not called.
 */
async function faultOf(
  { api, connection, prefix }: Scratch,
  resource: Place,
  key: string,
): Promise<Fault | 'gone' | 'unconverted' | undefined> {
  const object = partsOf(key);
  const { status, body, message } = await readObject(api, resource, object);
  if (status === 200 && textAt(body, 'metadata', 'name') === object.name) return undefined;
  if (resource.custom && UNCONVERTED.test(message)) return 'unconverted';
  const value = await valueOf(connection, Buffer.from(`${prefix}${resource.place}${key}`));
  if (value === undefined) return 'gone';
  return { name: key, message: message || 'what is served has another name', sealed: sealedAs(value) };
}

/** Behind the resource's part of a key: `namespace/name`, or a name alone. */
function partsOf(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

function reasonOf({ name, message, sealed }: Fault, count: number, all: number): string {
  const several = count === 1 ? `1 of ${all} cannot be read` : `${count} of ${all} cannot be read`;
  if (sealed === undefined) return `${several}: ${name}: ${message}`;
  if (sealed.provider === 'kms')
    return `${several}, which is not possible without the plugin of the KMS provider ${quoted(sealed.key)}`;
  return `${several}: ${name}, encrypted by ${sealed.provider} with the key ${quoted(sealed.key)}: ${message}`;
}
