import type { Config } from '../config/config.ts';
import {
  type Alarm,
  type ClusterStatus,
  type HashAgreement,
  type Member,
  type Quota,
} from '../etcd/types.ts';
import type { Decision } from '../plan/decision.ts';
import { nameOf } from '../plan/health.ts';
import { quotaFor } from '../plan/members.ts';
import { memberDecisions, type Plan } from '../plan/plan.ts';
import { forEachPlannedStep, type PlannedStep } from '../plan/steps.ts';
import { type MemberReport, roleOf } from '../run/members.ts';

/** A cluster's condition, and what a run would make of it: what `status -o json` prints. Sizes are bytes. */
export interface StatusReport {
  cluster: { name: string; id: string };
  revision: number;
  compactRevision?: number;
  /** whether the voting members hold the same data */
  consistency: HashAgreement['kind'];
  alarms: { type: Alarm['type']; member: string }[];
  members: MemberCondition[];
  steps: Record<PlannedStep, StepOutlook>;
  /** with any of these a run backs up and leaves everything else alone */
  problems: readonly string[];
  warnings: readonly string[];
}

export interface MemberCondition {
  name: string;
  id: string;
  role: MemberReport['role'];
  version?: string;
  dbSize?: number;
  dbSizeInUse?: number;
  /** 0 to 1 */
  fragmentation?: number;
  quota: Quota;
  quotaUsage?: number;
  defragment: boolean;
  reason: string;
}

export interface StepOutlook {
  would: 'do' | 'skip' | 'refuse';
  reason: string;
}

/** Pure: asks nobody. */
export function statusReportOf(cluster: ClusterStatus, plan: Plan, config: Config): StatusReport {
  return {
    cluster: { name: config.clusterName ?? cluster.id, id: cluster.id },
    revision: cluster.revision,
    ...(cluster.compactRevision !== undefined && { compactRevision: cluster.compactRevision }),
    consistency: cluster.hashes.kind,
    alarms: cluster.alarms.map(({ type, memberId }) => ({ type, member: nameOf(cluster, memberId) })),
    members: cluster.members.map((member) => conditionOf(member, cluster, plan, config)),
    steps: forEachPlannedStep((step) => outlookOf(plan.steps[step])),
    problems: plan.problems,
    warnings: plan.warnings,
  };
}

/** A NOSPACE alarm counts: a run may well end it, but until then the cluster takes no writes. */
export const isWell = ({ problems, alarms, steps }: StatusReport): boolean =>
  problems.length === 0 &&
  alarms.length === 0 &&
  Object.values(steps).every(({ would }) => would !== 'refuse');

function conditionOf(member: Member, cluster: ClusterStatus, plan: Plan, config: Config): MemberCondition {
  const { status } = member;
  const quota = quotaFor(member, cluster, config);
  const decision = memberDecisions(plan).find((decided) => decided.member.id === member.id);
  return {
    name: member.name,
    id: member.id,
    role: roleOf(member, cluster),
    ...(status && {
      version: status.version,
      dbSize: status.dbSize,
      dbSizeInUse: status.dbSizeInUse,
      fragmentation: status.dbSize === 0 ? 0 : Math.max(0, 1 - status.dbSizeInUse / status.dbSize),
      ...(quota.kind === 'known' && { quotaUsage: status.dbSize / quota.bytes }),
    }),
    quota,
    defragment: decision?.defragment ?? false,
    reason: decision?.reason ?? '',
  };
}

function outlookOf(decision: Decision): StepOutlook {
  if (decision.do) return { would: 'do', reason: decision.reason };
  return { would: decision.status === 'skipped' ? 'skip' : 'refuse', reason: decision.reason };
}
