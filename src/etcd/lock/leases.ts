import type { Connection } from '../client/connection.ts';
import { leaseDecimalId, leaseHexId } from '../client/ids.ts';
import { retryReads } from '../client/retry.ts';
import { askOnStream } from '../client/stream.ts';

/**
 * Leases and the one key that hangs on one, as plain calls to one member. Lease IDs are hexadecimal, as in etcdctl. All
 * throw an `EtcdError`.
 */

export interface HeldKey {
  value: string;
  /** undefined for a key that somebody put without a lease */
  leaseId?: string;
}

/** @returns the new lease's ID */
export async function grantLease(connection: Connection, ttlSeconds: number): Promise<string> {
  const { ID } = await connection.call((options) =>
    connection.leaseClient.leaseGrant({ TTL: ttlSeconds }, options),
  );
  return leaseHexId(ID);
}

export async function revokeLease(connection: Connection, leaseId: string, timeoutMs: number): Promise<void> {
  await connection.callToTheEnd(
    (options) => connection.leaseClient.leaseRevoke({ ID: leaseDecimalId(leaseId) }, options),
    timeoutMs,
  );
}

/** How long a lease still has, by the leader of that raft term. */
export interface LeaseLeft {
  /** 0 or less when the lease is gone */
  seconds: number;
  term: string;
}

export async function leaseSecondsLeft(connection: Connection, leaseId: string): Promise<LeaseLeft> {
  const answer = await connection.call((options) =>
    connection.leaseClient.leaseTimeToLive({ ID: leaseDecimalId(leaseId) }, options),
  );
  return { seconds: Number(answer.TTL), term: answer.header.raft_term };
}

/** Renews a lease once. @returns the seconds it now has; 0 when it is gone */
export async function renewLease(
  connection: Connection,
  leaseId: string,
  timeoutMs: number,
): Promise<number> {
  return connection.call(
    async (options) =>
      askOnStream(
        await connection.leaseClient.leaseKeepAlive(options),
        { ID: leaseDecimalId(leaseId) },
        (answer) => Number(answer.TTL),
        'the member ended the renewal without an answer',
      ),
    timeoutMs,
  );
}

/** By the cluster's agreement, not from one member's memory. */
export async function readKey(connection: Connection, key: string): Promise<HeldKey | undefined> {
  const { kvs } = await retryReads(() =>
    connection.call((options) => connection.kv.range({ key: Buffer.from(key) }, options)),
  );
  const found = kvs[0];
  if (found === undefined) return undefined;
  const value = found.value.toString();
  return { value, ...(found.lease !== '0' && { leaseId: leaseHexId(found.lease) }) };
}

/** Puts the key only where there is none. @returns whether it was put */
export async function createKey(
  connection: Connection,
  key: string,
  value: string,
  leaseId: string,
): Promise<boolean> {
  const name = Buffer.from(key);
  const { succeeded } = await connection.call((options) =>
    connection.kv.txn(
      {
        compare: [{ key: name, target: 'Create', result: 'Equal', create_revision: '0' }],
        success: [{ request_put: { key: name, value: Buffer.from(value), lease: leaseDecimalId(leaseId) } }],
        failure: [],
      },
      options,
    ),
  );
  return succeeded;
}

/** Puts a key that is ours already. */
export async function putKey(
  connection: Connection,
  key: string,
  value: string,
  leaseId: string,
): Promise<void> {
  await connection.call((options) =>
    connection.kv.put(
      { key: Buffer.from(key), value: Buffer.from(value), lease: leaseDecimalId(leaseId) },
      options,
    ),
  );
}
