import type { Connection } from '../../src/etcd/client/connection.ts';

type Operation =
  | { request_put: { key: Buffer; value: Buffer; lease?: string } }
  | { request_delete_range: { key: Buffer; range_end?: Buffer } };

/** Few, so that they are written again, deleted, and made anew. */
const KEYS = 24;
/** More than a page of any machine's. */
const MAX_VALUE_BYTES = 9000;

const keyAt = (number: number): Buffer => Buffer.from(`/registry/things/${String(number).padStart(3, '0')}`);

const remove = (number: number, count = 1): Operation => ({
  request_delete_range: { key: keyAt(number), range_end: keyAt(number + count) },
});

/**
 * Writes to a member at random: puts, deletions of one key and of many, transactions, leases, compactions, also to the
 * revision of a deletion. Returns the revision that it ended at, and that of the last deletion.
 */
export async function writeHistory(
  connection: Connection,
  random: () => number,
  { writes, compactions }: { writes: number; compactions: boolean },
): Promise<{ revision: number; deletedAt: number }> {
  let revision = 0;
  let deletedAt = 0;
  const below = (most: number): number => Math.floor(random() * most);
  const { leaseClient } = connection;
  const { ID: lease } = await connection.call((options) => leaseClient.leaseGrant({ TTL: '3600' }, options));

  function put(number: number): Operation {
    const value = Buffer.alloc(below(random() < 0.1 ? MAX_VALUE_BYTES : 200), below(256));
    return { request_put: { key: keyAt(number), value, ...(random() < 0.1 && { lease }) } };
  }

  /** Of one transaction, which may have one operation. etcd refuses two on one key. */
  function operations(): { of: Operation[]; deletes: boolean } {
    const kind = random();
    const number = below(KEYS);
    if (kind < 0.55) return { of: [put(number)], deletes: false };
    if (kind < 0.75) return { of: [remove(number)], deletes: true };
    if (kind < 0.8) return { of: [remove(number, 1 + below(6))], deletes: true };
    const step = 1 + below(3);
    const numbers = [number, number + step, number + 2 * step];
    return { of: numbers.map((it) => (random() < 0.7 ? put(it) : remove(it))), deletes: false };
  }

  for (let write = 0; write < writes; write += 1) {
    const { of, deletes } = operations();
    const { header } = await connection.call((options) =>
      connection.kv.txn({ compare: [], success: of, failure: [] }, options),
    );
    if (deletes && Number(header.revision) > revision) deletedAt = Number(header.revision);
    revision = Number(header.revision);
    if (compactions && random() < 0.02)
      await compact(connection, random() < 0.4 ? deletedAt : revision - below(20));
  }
  return { revision, deletedAt };
}

/** Waits until this member has deleted what it may, unless told not to. One that was done before is none. */
export async function compact(connection: Connection, revision: number, physical = true): Promise<void> {
  const request = { revision: String(revision), physical };
  await connection.call((options) => connection.kv.compact(request, options)).catch(() => undefined);
}

/** Deletes every key there is. */
export async function deleteEverything(connection: Connection): Promise<number> {
  const all = { key: Buffer.from('\0'), range_end: Buffer.from('\0') };
  const { header } = await connection.call((options) => connection.kv.deleteRange(all, options));
  return Number(header.revision);
}
