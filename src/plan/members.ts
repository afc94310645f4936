import {
  type ClusterStatus,
  DEFAULT_QUOTA_BYTES,
  label,
  type Member,
  type Quota,
  votersOf,
} from '../etcd/types.ts';
import { formatMebibytes, formatPercent } from '../util/format.ts';
import { type Decision, go, type Policy, refuse, skip } from './decision.ts';

type DefragPolicy = Policy['defrag'];

/** The part of the cluster that a judgement of sizes depends on. */
type Sizing = Pick<ClusterStatus, 'quotas'> & { alarms?: ClusterStatus['alarms'] };

/** Whether a member is worth defragmenting at its present sizes. Judged once for the plan and again after compaction. */
export function judgeMember(
  member: Member,
  cluster: Sizing,
  policy: Pick<Policy, 'defrag' | 'quotaBytes'>,
): Decision {
  if (member.learner) return skip('it is a learner: etcd refuses to defragment it');
  if (member.status === undefined) return refuse(member.problem ?? 'it did not answer');
  const { dbSize, dbSizeInUse } = member.status;
  const reclaimable = Math.max(0, dbSize - dbSizeInUse);
  const quota = quotaFor(member, cluster, policy);
  const rules = [
    fragmentationRule(dbSize, reclaimable, policy.defrag),
    quotaRule(dbSize, reclaimable, quota, policy.defrag),
    ...fullRule(dbSize, quota, cluster),
  ];
  const free = `${formatMebibytes(reclaimable)} of ${formatMebibytes(dbSize)} can be reclaimed`;
  const reached = rules.find((rule) => rule.reached);
  if (reached) return go(`${free}: ${reached.told}`);
  return skip(`${free}, which the policy does not ask for: ${rules.map((rule) => rule.told).join('; ')}`);
}

/** `QUOTA_BYTES` wins when set. */
export function quotaFor(
  member: Member,
  cluster: Pick<ClusterStatus, 'quotas'>,
  { quotaBytes }: Pick<Policy, 'quotaBytes'>,
): Quota {
  if (quotaBytes !== undefined) return { kind: 'known', bytes: quotaBytes };
  return cluster.quotas[member.id] ?? { kind: 'assumed', bytes: DEFAULT_QUOTA_BYTES };
}

/** The quotas that are known, in bytes by member's ID. */
export function knownQuotas(
  cluster: Pick<ClusterStatus, 'quotas' | 'members'>,
  policy: Pick<Policy, 'quotaBytes'>,
): ReadonlyMap<string, number> {
  return new Map(
    cluster.members.flatMap((member) => {
      const quota = quotaFor(member, cluster, policy);
      return quota.kind === 'known' ? [[member.id, quota.bytes] as const] : [];
    }),
  );
}

/** The voting members that answer but do not tell their quota: what is then said of it is a guess, and decides nothing. */
export function untoldQuotas(
  cluster: Pick<ClusterStatus, 'quotas' | 'members'>,
  policy: Pick<Policy, 'quotaBytes'>,
): Member[] {
  return votersOf(cluster).filter(
    (member) => member.status !== undefined && quotaFor(member, cluster, policy).kind === 'assumed',
  );
}

export function quotaWarnings(
  cluster: Pick<ClusterStatus, 'quotas' | 'members'>,
  policy: Pick<Policy, 'quotaBytes'>,
): string[] {
  const untold = untoldQuotas(cluster, policy);
  if (untold.length === 0) return [];
  return [
    `the quota of ${untold.map(label).join(', ')} could not be read, neither from its status (etcd 3.6.6 and later) nor ` +
      `from /metrics on its client URL: etcd's default of ${formatMebibytes(DEFAULT_QUOTA_BYTES)} is assumed where a ` +
      'quota is shown, and nothing is decided by it. Set QUOTA_BYTES to what --quota-backend-bytes says',
  ];
}

/** Whether a rule asks for a defragmentation, and why it does or does not. */
interface Rule {
  reached: boolean;
  told: string;
}

function fragmentationRule(dbSize: number, reclaimable: number, defrag: DefragPolicy): Rule {
  const ratio = dbSize === 0 ? 0 : reclaimable / dbSize;
  const told = `${formatPercent(ratio)} of the file`;
  const least = `DEFRAG_MIN_FRAGMENTATION (${formatPercent(defrag.minFragmentation)})`;
  const leastSize = `DEFRAG_MIN_DB_SIZE (${formatMebibytes(defrag.minDbSizeBytes)})`;
  if (ratio < defrag.minFragmentation) return { reached: false, told: `${told} is below ${least}` };
  if (dbSize < defrag.minDbSizeBytes) return { reached: false, told: `the file is below ${leastSize}` };
  return { reached: true, told: `${told} reaches ${least}, and its size ${leastSize}` };
}

function quotaRule(dbSize: number, reclaimable: number, quota: Quota, defrag: DefragPolicy): Rule {
  if (quota.kind === 'none') return { reached: false, told: 'the member has no quota' };
  if (quota.kind === 'assumed')
    return { reached: false, told: 'its quota is not known, so no rule on it counts (QUOTA_BYTES)' };
  const ratio = dbSize / quota.bytes;
  const told = `${formatPercent(ratio)} of the quota of ${formatMebibytes(quota.bytes)}`;
  const least = `DEFRAG_QUOTA_USAGE (${formatPercent(defrag.quotaUsage)})`;
  const leastFree = `DEFRAG_MIN_RECLAIM (${formatMebibytes(defrag.minReclaimBytes)})`;
  if (ratio < defrag.quotaUsage) return { reached: false, told: `${told} is below ${least}` };
  if (reclaimable < defrag.minReclaimBytes)
    return { reached: false, told: `what can be reclaimed is below ${leastFree}` };
  return { reached: true, told: `${told} reaches ${least}, and what can be reclaimed ${leastFree}` };
}

/** Where NOSPACE is not disarmed: the next few writes would raise it again. */
export const FULL_USAGE = 0.9;

/**
 * A member without room for writes is defragmented whatever its numbers say: it counts what a compaction freed only
 * with the writes that come after it, and NOSPACE forbids those.
 */
function fullRule(dbSize: number, quota: Quota, { alarms = [] }: Sizing): Rule[] {
  if (quota.kind === 'none' || !alarms.some(({ type }) => type === 'NOSPACE')) return [];
  if (quota.kind === 'assumed') {
    const told =
      'NOSPACE is on, its quota is not known (QUOTA_BYTES), and without writes the sizes in use are old';
    return [{ reached: true, told }];
  }
  const told = `${formatPercent(dbSize / quota.bytes)} of the quota, with NOSPACE on,`;
  if (dbSize < FULL_USAGE * quota.bytes)
    return [{ reached: false, told: `${told} leaves room to disarm it` }];
  return [
    {
      reached: true,
      told: `${told} leaves no room to disarm it, and without writes the sizes in use are old`,
    },
  ];
}
