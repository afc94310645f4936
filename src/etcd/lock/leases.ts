import type { Connection } from '../client/connection.ts';
import { retryReads } from '../client/retry.ts';
import { hexId } from '../client/calls.ts';

/** Leases and the one key that hangs on one, as plain calls to one member. Lease IDs are hexadecimal, as in etcdctl. */

export interface HeldKey {
  value: string;
  /** undefined for a key that somebody put without a lease */
  leaseId?: string;
}

const int64 = (hex: string): string => BigInt.asIntN(64, BigInt(`0x${hex}`)).toString();
const leaseHex = (decimal: string): string => hexId(BigInt.asUintN(64, BigInt(decimal)).toString());

/** @returns the new lease's ID */
export async function grantLease(connection: Connection, ttlSeconds: number): Promise<string> {
  const { ID } = await connection.call((options) =>
    connection.leaseClient.leaseGrant({ TTL: ttlSeconds }, options),
  );
  return leaseHex(ID);
}

export async function revokeLease(connection: Connection, leaseId: string, timeoutMs: number): Promise<void> {
  await connection.callToTheEnd(
    (options) => connection.leaseClient.leaseRevoke({ ID: int64(leaseId) }, options),
    timeoutMs,
  );
}

/** Seconds left; 0 or less when the lease is gone. */
export async function leaseSecondsLeft(
  connection: Connection,
  leaseId: string,
): Promise<{ seconds: number; term: string }> {
  const answer = await connection.call((options) =>
    connection.leaseClient.leaseTimeToLive({ ID: int64(leaseId) }, options),
  );
  return { seconds: Number(answer.TTL), term: answer.header.raft_term };
}

/** Renews a lease once. @returns the seconds it now has; 0 when it is gone */
export async function renewLease(
  connection: Connection,
  leaseId: string,
  timeoutMs: number,
): Promise<number> {
  await connection.renewToken();
  return connection.call(async (options) => {
    const stream = await connection.leaseClient.leaseKeepAlive(options);
    try {
      return await new Promise<number>((resolve, reject) => {
        stream.on('data', (answer) => resolve(Number(answer.TTL)));
        stream.on('error', reject);
        stream.on('end', () => reject(new Error('the member ended the renewal without an answer')));
        stream.write({ ID: int64(leaseId) });
      });
    } finally {
      stream.on('error', () => undefined); // the cancellation that follows
      // Ended before it is cancelled: etcd3 takes the error of a stream that is still open for a broken connection.
      stream.end();
      stream.cancel();
    }
  }, timeoutMs);
}

/** By the cluster's agreement, not from one member's memory. */
export async function readKey(connection: Connection, key: string): Promise<HeldKey | undefined> {
  const { kvs } = await retryReads(() =>
    connection.call((options) => connection.kv.range({ key: Buffer.from(key) }, options)),
  );
  const found = kvs[0];
  if (found === undefined) return undefined;
  return { value: found.value.toString(), ...(found.lease !== '0' && { leaseId: leaseHex(found.lease) }) };
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
        success: [{ request_put: { key: name, value: Buffer.from(value), lease: int64(leaseId) } }],
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
    connection.kv.put({ key: Buffer.from(key), value: Buffer.from(value), lease: int64(leaseId) }, options),
  );
}
