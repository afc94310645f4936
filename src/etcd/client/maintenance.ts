import type { Permit } from '../cluster/permit.ts';
import { EtcdError } from '../errors.ts';
import type { HashKV, ListedMember } from '../types.ts';
import { idIn, impossible, wholeNumber, withHeader } from './answers.ts';
import type { Connection } from './connection.ts';
import { decimalId } from './ids.ts';
import { FIRST_KEY } from './keys.ts';
import { retryReads } from './retry.ts';

/** What is asked of one member about its cluster and its database, but for Status and alarms. All throw an `EtcdError`. */

/** A name is only for people; one of any length would be in every message, and in the manifest. */
const MAX_NAME_CHARS = 128;

/** etcd's grpc-proxy names itself, and the other proxies that it knows of, without an ID. */
const NO_ID = '0';

const isProxy = (): EtcdError =>
  new EtcdError(
    'no-member',
    "it is etcd's grpc-proxy and no member (its member list is without IDs): what is read through it may be any member's, " +
      'so nothing can be backed up there',
  );

/** The member list as this member knows it, also without a quorum. */
export const memberList = (connection: Connection): Promise<ListedMember[]> =>
  retryReads(() => memberListOnce(connection));

/** The same, never repeated: a learner refuses it each time, as if it were not to be reached. */
export const memberListOnce = (connection: Connection): Promise<ListedMember[]> => listOf(connection, false);

/** The member list by the cluster's agreement: needs a quorum. */
export async function memberListNow(connection: Connection): Promise<ListedMember[]> {
  // etcd 3.4 does not know the flag, and gives what it has. After a linearizable read that is nothing old.
  await retryReads(() =>
    connection.call((options) => connection.kv.range({ key: FIRST_KEY, count_only: true }, options)),
  );
  return retryReads(() => listOf(connection, true));
}

async function listOf(connection: Connection, linearizable: boolean): Promise<ListedMember[]> {
  const answer = await connection.call((options) => connection.cluster.memberList({ linearizable }, options));
  // A proxy gives no header either: what it is says more than what is missing.
  if (answer.members.some(({ ID }) => ID === NO_ID)) throw isProxy();
  const { members } = withHeader(answer);
  if (members.length === 0) throw impossible('the member list is empty');
  return members.map((member) => ({
    id: idIn(member.ID, "a member's ID"),
    name: member.name.slice(0, MAX_NAME_CHARS),
    learner: member.isLearner,
    clientUrls: member.clientURLs,
  }));
}

export async function hashKV(connection: Connection, revision: number, timeoutMs: number): Promise<HashKV> {
  const answer = withHeader(await connection.hashKV(revision, timeoutMs));
  return {
    hash: wholeNumber(answer.hash, 'the hash'),
    revision,
    // -1 before the first compaction.
    compactRevision: wholeNumber(answer.compact_revision, 'the compact revision', -1),
  };
}

/** Never repeated and never given up on lightly: the deadline does not stop the member's work (etcd's maintenance.go). */
export async function defragmentMember(
  _permit: Permit,
  connection: Connection,
  timeoutMs: number,
): Promise<void> {
  await connection.call((options) => connection.maintenance.defragment(options), timeoutMs);
}

/** To be sent to the leader itself; any other member answers `not leader`. */
export async function moveLeader(_permit: Permit, leader: Connection, toMemberId: string): Promise<void> {
  await leader.call((options) => leader.maintenance.moveLeader({ targetID: decimalId(toMemberId) }, options));
}
