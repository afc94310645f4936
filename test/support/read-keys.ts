import { connectEtcd } from './etcd-client.ts';
import type { Cluster } from './cluster-handle.ts';

export interface StoredValue {
  modRevision: number;
  version: number;
  /** Latin-1, so that any byte is kept. */
  value: string;
}

const PAGE_KEYS = 500;

/**
 * Every key below the prefix with its value, at one revision (the current one when left out): two clusters hold the
 * same when the maps are deeply equal.
 */
export async function readKeys(
  cluster: Cluster,
  prefix = '',
  revision = 0,
): Promise<Map<string, StoredValue>> {
  const client = await connectEtcd(cluster, await cluster.leader());
  const all = new Map<string, StoredValue>();
  const end = endOf(prefix);
  let key = Buffer.from(prefix || '\0');
  let at = String(revision);
  try {
    for (;;) {
      const page = await client.kv.range({ key, range_end: end, limit: PAGE_KEYS, revision: at });
      if (at === '0') at = page.header.revision;
      for (const found of page.kvs) {
        all.set(found.key.toString(), {
          modRevision: Number(found.mod_revision),
          version: Number(found.version),
          value: found.value.toString('latin1'),
        });
      }
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return all;
      key = Buffer.concat([last.key, Buffer.from('\0')]);
    }
  } finally {
    client.close();
  }
}

/** The first key after all that begin with the prefix; etcd's word for "to the end" where there is none. */
function endOf(prefix: string): Buffer {
  if (prefix === '') return Buffer.from('\0');
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  end.writeUInt8(end.readUInt8(last) + 1, last);
  return end;
}

/** Whether the members still know what was at that revision. */
export async function hasHistoryAt(cluster: Cluster, revision: number): Promise<boolean> {
  try {
    await cluster.etcdctl('get', 'nothing', `--rev=${revision}`);
    return true;
  } catch (error) {
    if (String(error).includes('required revision has been compacted')) return false;
    throw error;
  }
}
