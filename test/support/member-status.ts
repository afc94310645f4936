import type { Access } from './etcdctl.ts';
import { type Answer, askGateway } from './etcd-gateway.ts';

/** A member's own answer to Status. Sizes are bytes, IDs hexadecimal as etcdctl prints them. */
export interface MemberStatus {
  clusterId: string;
  memberId: string;
  /** `0` while there is no leader. */
  leaderId: string;
  isLearner: boolean;
  version: string;
  dbSize: number;
  dbSizeInUse: number;
  revision: number;
  raftIndex: number;
  raftAppliedIndex: number;
  raftTerm: number;
  errors: string[];
}

/** Asks the member itself, which needs no quorum unless a password is in use. Default 10 s. */
export async function readStatus(
  clientUrl: string,
  access: Access,
  timeoutMs?: number,
): Promise<MemberStatus> {
  const body = await askGateway(clientUrl, access, 'maintenance/status', { timeoutMs });
  const header: Answer = Object(body.header);
  return {
    clusterId: hex(header.cluster_id),
    memberId: hex(header.member_id),
    leaderId: hex(body.leader),
    isLearner: body.isLearner === true,
    version: String(body.version),
    dbSize: Number(body.dbSize ?? 0),
    dbSizeInUse: Number(body.dbSizeInUse ?? 0),
    revision: Number(header.revision ?? 0),
    raftIndex: Number(body.raftIndex ?? 0),
    raftAppliedIndex: Number(body.raftAppliedIndex ?? 0),
    raftTerm: Number(body.raftTerm ?? 0),
    errors: Array.isArray(body.errors) ? body.errors.map(String) : [],
  };
}

function hex(decimal: unknown): string {
  return typeof decimal === 'string' ? BigInt(decimal).toString(16) : '0';
}
