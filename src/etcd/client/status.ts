import { NO_LEADER } from '../error-codes.ts';
import { EtcdError } from '../errors.ts';
import type { MemberStatus } from '../types.ts';
import { idIn, wholeNumber } from './answers.ts';
import type { Connection } from './connection.ts';
import { hexId } from './ids.ts';
import { retryReads } from './retry.ts';

/** `Maintenance.Status`: what a member says of itself. All throw an `EtcdError`. */

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
  downgradeInfo?: { enabled: boolean; targetVersion: string } | null;
}

export const status = (connection: Connection): Promise<MemberStatus> =>
  retryReads(() => statusOnce(connection));

/** One Status, never repeated: whoever polls wants to know how long a single answer takes. */
export const statusOnce = async (connection: Connection, timeoutMs?: number): Promise<MemberStatus> =>
  memberStatusOf(await connection.fullStatus(timeoutMs));

/** What a decoded answer says. @throws EtcdError where it is none */
export function memberStatusOf(answer: object): MemberStatus {
  const raw = checked(answer);
  const quota = wholeNumber(raw.dbSizeQuota, 'the quota', Number.MIN_SAFE_INTEGER); // below 0: none
  return {
    memberId: idIn(raw.header.member_id, "the member's ID"),
    clusterId: idIn(raw.header.cluster_id, "the cluster's ID"),
    version: raw.version,
    dbSize: wholeNumber(raw.dbSize, 'the db size'),
    dbSizeInUse: wholeNumber(raw.dbSizeInUse, 'the db size in use'),
    ...(raw.leader !== '0' && { leaderId: hexId(raw.leader) }),
    isLearner: raw.isLearner,
    revision: wholeNumber(raw.header.revision, 'the revision'),
    raftTerm: wholeNumber(raw.raftTerm, 'the raft term'),
    raftIndex: wholeNumber(raw.raftIndex, 'the raft index'),
    raftAppliedIndex: wholeNumber(raw.raftAppliedIndex, 'the raft applied index'),
    errors: raw.errors ?? [],
    ...(quota !== 0 && { quotaBytes: quota }),
    ...(raw.downgradeInfo?.enabled && { downgradeTo: raw.downgradeInfo.targetVersion }),
  };
}

/** Whether the member follows a leader. */
export const seesLeader = ({ leaderId, errors }: MemberStatus): boolean =>
  leaderId !== undefined && !errors.includes(NO_LEADER);

function checked(raw: object): RawStatus {
  if (!isStatus(raw)) throw new EtcdError('other', 'the member gave a status without a header');
  return raw;
}

/** The loader fills in every field of status.proto but an absent message. */
const isStatus = (raw: object): raw is RawStatus => 'header' in raw && raw.header !== null;
