import { firstKey, firstKeys } from '../client/keys.ts';
import type { Connection } from '../client/connection.ts';
import { resourceOf } from '../../util/resources.ts';

/** How many objects there are of each resource, as Kubernetes keeps them. */
export interface ObjectCounts {
  /** by the resource's name, say `pods` or `certificates.cert-manager.io` */
  byResource: ReadonlyMap<string, number>;
  /** also of those behind the last resource that was counted, where there were too many resources */
  total: number;
}

/** A cluster has some sixty resources of its own, and a few hundred custom ones at most. */
const MAX_REQUESTS = 500;
/** Keys without their values. */
const PAGE = 1000;

/**
 * Counts the objects below a prefix by resource, all at one revision: the first key says which resource comes next, and
 * the number of keys from there on, less that from behind it, how many there are. So each resource costs one request,
 * and neither a value nor a second key is ever read. Asked of this member alone, as of `at`, or now where that is 0.
 * @throws EtcdError also where the revision was compacted meanwhile
 */
export async function countObjects(connection: Connection, prefix: string, at = 0): Promise<ObjectCounts> {
  const root = Buffer.from(prefix);
  const below = endOf(root);
  const byResource = new Map<string, number>();
  const first = await firstKey(connection, { from: root, below }, at);
  let { key, count: left } = first;
  for (let requests = 1; key !== undefined && requests < MAX_REQUESTS; requests += 1) {
    const { name, from } = nextOf(key, root);
    const next = await firstKey(connection, { from, below }, first.revision);
    byResource.set(name, (byResource.get(name) ?? 0) + left - next.count);
    ({ key, count: left } = next);
  }
  return { byResource, total: first.count };
}

/** The resource of a key, and where the keys of the next one begin. */
function nextOf(key: Buffer, root: Buffer): { name: string; from: Buffer } {
  const { name, length } = resourceOf(key.subarray(root.length));
  const mine = key.subarray(0, root.length + length);
  // A key that ends with its resource's name is one object by itself.
  return { name, from: mine.length === key.length ? Buffer.concat([key, Buffer.from([0])]) : endOf(mine) };
}

/** The keys below a prefix as they are now, a page at a time, each without the prefix. Asked of this member alone. */
export async function* keysBelow(connection: Connection, prefix: string): AsyncGenerator<string[], void> {
  const root = Buffer.from(prefix);
  const below = endOf(root);
  let from = root;
  for (;;) {
    const keys = await firstKeys(connection, { from, below }, PAGE);
    const last = keys.at(-1);
    if (last === undefined) return;
    yield keys.map((key) => key.toString('utf8', root.length));
    from = Buffer.concat([last, Buffer.from([0])]);
  }
}

/** The first key behind all that begin with these bytes; one zero byte means to etcd: none, there is no end. */
function endOf(prefix: Buffer): Buffer {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return Buffer.from([0]);
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end[last] = (prefix[last] ?? 0) + 1;
  return end;
}
