import type { ClusterStatus, Member } from '../etcd/types.ts';
import { votersOf } from '../etcd/types.ts';
import type { RunState } from './state.ts';

/** bytes */
export interface Sizes {
  dbSize: number;
  dbSizeInUse: number;
}

export interface MemberReport {
  name: string;
  id: string;
  version?: string;
  role: 'leader' | 'follower' | 'learner' | 'unknown';
  before?: Sizes;
  after?: Sizes;
  defragmented: boolean;
  reason: string;
  unavailableSeconds?: number;
  /** undefined where it has none, or none is known */
  quotaBytes?: number;
  warning?: string;
}

/** kubelet kills a kubeadm etcd that does not answer for about two minutes (15 s x 8). */
const LIVENESS_WARNING_SECONDS = 60;

export function memberReport(member: Member, state: RunState): MemberReport {
  const outcome = state.members.get(member.id);
  return {
    name: member.name,
    id: member.id,
    ...(member.status && { version: member.status.version }),
    role: roleOf(member, state.clusterStatus),
    ...sizesOf(member, state),
    defragmented: outcome?.defragmented ?? false,
    reason: outcome?.reason ?? member.problem ?? 'not reached',
    ...quotaOf(member, state),
    ...silenceOf(member, outcome?.unavailableSeconds),
  };
}

function sizesOf({ id, status: before }: Member, { membersAfter }: RunState) {
  const after = membersAfter?.find((member) => member.id === id)?.status;
  return { ...(before && { before: sizes(before) }), ...(after && { after: sizes(after) }) };
}

const sizes = ({ dbSize, dbSizeInUse }: Sizes): Sizes => ({ dbSize, dbSizeInUse });

function quotaOf({ id }: Member, { quotas }: RunState) {
  const quotaBytes = quotas.get(id);
  return { ...(quotaBytes !== undefined && { quotaBytes }) };
}

/** How long it did not answer, with a warning where that was dangerously long. */
function silenceOf({ name }: Member, unavailableSeconds: number | undefined) {
  if (unavailableSeconds === undefined) return {};
  if (unavailableSeconds <= LIVENESS_WARNING_SECONDS) return { unavailableSeconds };
  const warning = `${name} did not answer for ${unavailableSeconds} s: kubelet's liveness probe of a kubeadm etcd (15 s x 8) would kill it at about two minutes`;
  return { unavailableSeconds, warning };
}

export function roleOf(member: Member, cluster: ClusterStatus | undefined): MemberReport['role'] {
  if (member.learner) return 'learner';
  if (member.id === cluster?.leaderId) return 'leader';
  return member.status && cluster && votersOf(cluster).includes(member) ? 'follower' : 'unknown';
}
