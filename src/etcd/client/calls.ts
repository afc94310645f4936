import { AlarmAction, AlarmType } from 'etcd3';
import { EtcdError } from '../errors.ts';
import { retryReads } from './retry.ts';
import type { Alarm, CompactRevKey, HashKV, Member, MemberStatus } from '../types.ts';
import type { Connection } from './connection.ts';

/** Every call of one member that etcd-upkeep makes, but for the snapshot and the lock. All throw a `EtcdError`. */

const FIRST_KEY = Buffer.from([0]);
const ALL_KEYS = { key: FIRST_KEY, range_end: FIRST_KEY };
const COMPACT_REV_KEY = Buffer.from('compact_rev_key');

/** etcd's IDs are uint64, which arrive as decimal strings and which its tools print in hexadecimal. */
export const hexId = (decimal: string): string => BigInt(decimal).toString(16);
export const decimalId = (hex: string): string => BigInt(`0x${hex}`).toString();

/** Fields of `status.proto` as the loader decodes them: int64 as strings. */
interface RawStatus {
  header: { cluster_id: string; member_id: string; revision: string };
  version: string;
  dbSize: string;
  dbSizeInUse: string;
  leader: string;
  raftIndex: string;
  raftTerm: string;
  raftAppliedIndex: string;
  errors?: string[];
  isLearner: boolean;
  dbSizeQuota: string;
}

/** The loader fills in every field of status.proto but an absent message. */
const isStatus = (raw: object): raw is RawStatus => 'header' in raw && raw.header !== null;

/** Who gave the answer. */
export function memberIdIn(raw: object): string {
  if (!isStatus(raw)) throw new EtcdError('other', 'the member gave a status without a header');
  return hexId(raw.header.member_id);
}

/** One Status, never repeated: whoever polls wants to know how long a single answer takes. */
export async function statusOnce(connection: Connection, timeoutMs?: number): Promise<MemberStatus> {
  const raw = await connection.fullStatus(timeoutMs);
  if (!isStatus(raw)) throw new EtcdError('other', 'the member gave a status without a header');
  const quota = Number(raw.dbSizeQuota);
  return {
    memberId: hexId(raw.header.member_id),
    clusterId: hexId(raw.header.cluster_id),
    version: raw.version,
    dbSize: Number(raw.dbSize),
    dbSizeInUse: Number(raw.dbSizeInUse),
    ...(raw.leader !== '0' && { leaderId: hexId(raw.leader) }),
    isLearner: raw.isLearner,
    revision: Number(raw.header.revision),
    raftTerm: Number(raw.raftTerm),
    raftIndex: Number(raw.raftIndex),
    raftAppliedIndex: Number(raw.raftAppliedIndex),
    errors: raw.errors ?? [],
    ...(quota !== 0 && { quotaBytes: quota }),
  };
}

export const status = (connection: Connection): Promise<MemberStatus> =>
  retryReads(() => statusOnce(connection));

/** The member list as this member knows it, also without a quorum. */
export async function memberList(
  connection: Connection,
): Promise<Omit<Member, 'status' | 'endpoint' | 'problem'>[]> {
  const { members } = await retryReads(() =>
    connection.call((options) => connection.cluster.memberList({ linearizable: false }, options)),
  );
  return members.map((member) => ({
    id: hexId(member.ID),
    name: member.name,
    learner: member.isLearner,
    clientUrls: member.clientURLs,
  }));
}

/** The alarms, by the cluster's agreement: needs a quorum. */
export async function alarmList(connection: Connection): Promise<Alarm[]> {
  const { alarms } = await retryReads(() =>
    connection.call((options) =>
      connection.maintenance.alarm(
        { action: AlarmAction.Get, memberID: '0', alarm: AlarmType.None },
        options,
      ),
    ),
  );
  return alarms.flatMap(({ memberID, alarm }) => toAlarm(hexId(memberID), alarm));
}

/** The alarms that a member's Status speaks of, for when there is no quorum to ask. */
export function alarmsOf({ errors }: MemberStatus): Alarm[] {
  return errors.flatMap((text) => {
    // etcd leaves the ID out where it accuses nobody (member 0).
    const match = /^\s*(?:memberID:(\d+)\s+)?alarm:(\w+)/.exec(text);
    return match?.[2] ? toAlarm(hexId(match[1] ?? '0'), match[2]) : [];
  });
}

function toAlarm(memberId: string, type: string): Alarm[] {
  // etcd3 gives enums by name in answers, whatever its types say.
  if (/^nospace$/i.test(type) || type === String(AlarmType.Nospace)) return [{ memberId, type: 'NOSPACE' }];
  if (/^corrupt$/i.test(type) || type === String(AlarmType.Corrupt)) return [{ memberId, type: 'CORRUPT' }];
  return [];
}

/** Disarms NOSPACE of one member. CORRUPT is nobody's to disarm but a person's. */
export async function disarmNoSpace(connection: Connection, memberId: string): Promise<void> {
  await connection.call((options) =>
    connection.maintenance.alarm(
      { action: AlarmAction.Deactivate, memberID: decimalId(memberId), alarm: AlarmType.Nospace },
      options,
    ),
  );
}

/** Where kube-apiserver notes what it compacted; undefined where there is none. S3Request of this member alone. */
export async function compactRevKey(connection: Connection): Promise<CompactRevKey | undefined> {
  const { kvs } = await retryReads(() =>
    connection.call((options) => connection.kv.range({ key: COMPACT_REV_KEY, serializable: true }, options)),
  );
  const found = kvs[0];
  if (found === undefined) return undefined;
  const text = found.value.toString();
  return /^\d+$/.test(text) ? { value: Number(text), modRevision: Number(found.mod_revision) } : undefined;
}

/**
 * How many keys this member holds, and at which revision: the two in one answer, now or as of `at`. S3Request for as of a
 * revision that was learnt a moment before, the count is refused where another compactor passes by.
 */
export async function countKeys(
  connection: Connection,
  timeoutMs: number,
  at = 0,
): Promise<{ keys: number; revision: number }> {
  const { count, header } = await retryReads(() =>
    connection.call(
      (options) =>
        connection.kv.range(
          { ...ALL_KEYS, revision: String(at), count_only: true, serializable: true },
          options,
        ),
      timeoutMs,
    ),
  );
  return { keys: Number(count), revision: at || Number(header.revision) };
}

/** The keys from one on and below another; without values. */
export interface KeyRange {
  from: Buffer;
  below: Buffer;
}

/**
 * The first key of a range, undefined where it is empty, and how many keys the range has: etcd counts them all, however
 * few it was asked for (`count` in its rpc.proto). As of `at`, or now where that is 0, at the revision in the answer.
 */
export async function firstKey(
  connection: Connection,
  { from, below }: KeyRange,
  at: number,
): Promise<{ key: Buffer | undefined; count: number; revision: number }> {
  const { kvs, count, header } = await retryReads(() =>
    connection.call((options) =>
      connection.kv.range(
        {
          key: from,
          range_end: below,
          revision: String(at),
          limit: '1',
          keys_only: true,
          serializable: true,
        },
        options,
      ),
    ),
  );
  return { key: kvs[0]?.key, count: Number(count), revision: at || Number(header.revision) };
}

export async function hashKV(connection: Connection, revision: number, timeoutMs: number): Promise<HashKV> {
  const answer = await connection.hashKV(revision, timeoutMs);
  return { hash: answer.hash, revision, compactRevision: Number(answer.compact_revision) };
}

/** Resolves once this member has deleted what the compaction allows it to, unless the deadline comes first. */
export async function compactPhysically(
  connection: Connection,
  revision: number,
  timeoutMs: number,
): Promise<void> {
  await connection.call(
    (options) => connection.kv.compact({ revision: String(revision), physical: true }, options),
    timeoutMs,
  );
}

/** Never repeated and never given up on lightly: the deadline does not stop the member's work (etcd's maintenance.go). */
export async function defragmentMember(connection: Connection, timeoutMs: number): Promise<void> {
  await connection.call((options) => connection.maintenance.defragment(options), timeoutMs);
}

/** To be sent to the leader itself; any other member answers `not leader`. */
export async function moveLeader(leader: Connection, toMemberId: string): Promise<void> {
  await leader.call((options) => leader.maintenance.moveLeader({ targetID: decimalId(toMemberId) }, options));
}

/**
 * The revision below which history is gone, 0 before the first compaction. A watch that begins before it is cancelled
 * with that number, the one cheap place where etcd tells it.
 */
export async function compactRevision(connection: Connection): Promise<number> {
  const first = connection.call((options) =>
    connection.kv.range({ key: FIRST_KEY, revision: '1', serializable: true, limit: '1' }, options),
  );
  const readable = await first.then(
    () => true,
    (error: { code?: string }) => {
      if (error.code === 'compacted') return false;
      throw error;
    },
  );
  if (readable) return 0;
  return connection.call(async (options) => {
    const stream = await connection.watchClient.watch(options);
    try {
      return await new Promise<number>((resolve, reject) => {
        stream.on('error', reject);
        stream.on('end', () => reject(new Error('the watch ended without telling the compact revision')));
        stream.on('data', (answer) => {
          if (Number(answer.compact_revision) > 0) resolve(Number(answer.compact_revision));
        });
        stream.write({ create_request: { key: FIRST_KEY, start_revision: '1' } });
      });
    } finally {
      // Ended before it is cancelled: etcd3 takes the error of a stream that is still open for a broken connection.
      stream.end();
      stream.cancel();
    }
  });
}
