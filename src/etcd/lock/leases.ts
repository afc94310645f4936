import type { ITxnRequest } from 'etcd3';
import { impossible, wholeNumber, withHeader } from '../client/answers.ts';
import type { Connection } from '../client/connection.ts';
import { leaseDecimalId, leaseHexId } from '../client/ids.ts';
import { agreedRange } from '../client/keys.ts';
import { retryRepeatable } from '../client/retry.ts';
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

/**
 * Where an answer was lost there may be one more lease, on which nothing hangs.
 * @returns the new lease's ID, never 0: a key that is put with that hangs on no lease and stays for ever
 */
export async function grantLease(connection: Connection, ttlSeconds: number): Promise<string> {
  const answer = withHeader(
    await retryRepeatable(() =>
      connection.call((options) => connection.leaseClient.leaseGrant({ TTL: ttlSeconds }, options)),
    ),
  );
  wholeNumber(answer.TTL, "the new lease's TTL", 1);
  return leaseIdIn(answer.ID);
}

function leaseIdIn(id: string): string {
  if (/^[1-9]\d*$/.test(id)) return leaseHexId(id);
  throw impossible(`the lease's ID is ${JSON.stringify(id)}`);
}

export async function revokeLease(connection: Connection, leaseId: string, timeoutMs: number): Promise<void> {
  const answer = await connection.callToTheEnd(
    (options) => connection.leaseClient.leaseRevoke({ ID: leaseDecimalId(leaseId) }, options),
    timeoutMs,
  );
  withHeader(answer);
}

/** How long a lease still has, by the leader of that raft term. */
export interface LeaseLeft {
  /** 0 or less when the lease is gone */
  seconds: number;
  term: string;
}

export async function leaseSecondsLeft(connection: Connection, leaseId: string): Promise<LeaseLeft> {
  const ID = leaseDecimalId(leaseId);
  const answer = await connection.call((options) => connection.leaseClient.leaseTimeToLive({ ID }, options));
  const { header } = withHeader(answer);
  if (answer.ID !== ID) throw impossible(`it is about the lease ${answer.ID} instead of ${ID}`);
  return { seconds: wholeNumber(answer.TTL, "the lease's TTL", -1), term: header.raft_term };
}

/** Renews a lease once. @returns the seconds it now has; 0 when it is gone */
export async function renewLease(
  connection: Connection,
  leaseId: string,
  timeoutMs: number,
): Promise<number> {
  const ID = leaseDecimalId(leaseId);
  return connection.call(
    async (options) =>
      askOnStream(
        await connection.leaseClient.leaseKeepAlive(options),
        { ID },
        (answer) => (answer.ID === ID ? wholeNumber(answer.TTL, "the lease's TTL") : undefined),
        'the member renewed another lease, or none',
      ),
    timeoutMs,
  );
}

/** By the cluster's agreement, not from one member's memory. */
export async function readKey(connection: Connection, key: string): Promise<HeldKey | undefined> {
  const { kvs } = await agreedRange(connection, { key: Buffer.from(key) });
  const found = kvs[0];
  if (found === undefined) return undefined;
  const value = found.value.toString();
  return { value, ...(found.lease !== '0' && { leaseId: leaseHexId(found.lease) }) };
}

/**
 * Puts the key only where there is none. @returns whether it was put; where an answer was lost it may be false though
 * it was
 */
export async function createKey(
  connection: Connection,
  key: string,
  value: string,
  leaseId: string,
): Promise<boolean> {
  const name = Buffer.from(key);
  const request: ITxnRequest = {
    compare: [{ key: name, target: 'Create', result: 'Equal', create_revision: '0' }],
    success: [{ request_put: { key: name, value: Buffer.from(value), lease: leaseDecimalId(leaseId) } }],
    failure: [],
  };
  const answer = await retryRepeatable(() =>
    connection.call((options) => connection.kv.txn(request, options)),
  );
  const { succeeded, responses } = withHeader(answer);
  if (succeeded && responses.length !== 1) throw impossible('a transaction that did nothing has succeeded');
  return succeeded;
}

/** Puts a key that is ours already. */
export async function putKey(
  connection: Connection,
  key: string,
  value: string,
  leaseId: string,
): Promise<void> {
  const request = { key: Buffer.from(key), value: Buffer.from(value), lease: leaseDecimalId(leaseId) };
  withHeader(await retryRepeatable(() => connection.call((options) => connection.kv.put(request, options))));
}
