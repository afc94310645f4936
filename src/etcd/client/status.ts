import { NO_LEADER } from '../error-codes.ts';
import { EtcdError } from '../errors.ts';
import type { MemberStatus } from '../types.ts';
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
}

export const status = (connection: Connection): Promise<MemberStatus> =>
  retryReads(() => statusOnce(connection));

/** One Status, never repeated: whoever polls wants to know how long a single answer takes. */
export async function statusOnce(connection: Connection, timeoutMs?: number): Promise<MemberStatus> {
  const raw = checked(await connection.fullStatus(timeoutMs));
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

/** Who gave the answer: the hexadecimal ID of the member. */
export const memberIdIn = (raw: object): string => hexId(checked(raw).header.member_id);

/** Whether the member follows a leader. */
export const seesLeader = ({ leaderId, errors }: MemberStatus): boolean =>
  leaderId !== undefined && !errors.includes(NO_LEADER);

function checked(raw: object): RawStatus {
  if (!isStatus(raw)) throw new EtcdError('other', 'the member gave a status without a header');
  return raw;
}

/** The loader fills in every field of status.proto but an absent message. */
const isStatus = (raw: object): raw is RawStatus => 'header' in raw && raw.header !== null;
