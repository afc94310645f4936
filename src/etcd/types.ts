/**
 * What is known of a cluster: plain data, so that the plan and the report can be tested without one. Member and
 * cluster IDs are hexadecimal, as etcdctl prints them; sizes are bytes.
 */
export interface MemberStatus {
  memberId: string;
  clusterId: string;
  version: string;
  /** physical size of the database file */
  dbSize: number;
  dbSizeInUse: number;
  leaderId?: string;
  isLearner: boolean;
  revision: number;
  raftTerm: number;
  /** what the member knows to be committed */
  raftIndex: number;
  raftAppliedIndex: number;
  /** alarms and `etcdserver: no leader`, in etcd's words */
  errors: readonly string[];
  /** from etcd 3.6; negative means none */
  quotaBytes?: number;
  /** the version that a downgrade is enabled to; told from etcd 3.6 on, for 3.5 see `Downgrade` */
  downgradeTo?: string;
}

/**
 * Who a member is. Its own ID is not enough: it comes of its first address and the cluster's token, so that one whose data
 * was thrown away, and that was started as a cluster of its own, has the ID that it had.
 */
export type Identity = Pick<MemberStatus, 'clusterId' | 'memberId'>;

/** Who it is that says this of itself, in words, where it is not the one that was meant. */
export function otherThan(meant: Identity, found: Identity): string | undefined {
  if (found.clusterId !== meant.clusterId) return `a member of another cluster (${found.clusterId})`;
  return found.memberId === meant.memberId ? undefined : 'another member';
}

/** A member as the member list has it. */
export interface ListedMember {
  id: string;
  /** empty for a member that was added and never started */
  name: string;
  learner: boolean;
  /** as it advertises them, whatever it likes */
  clientUrls: readonly string[];
}

export interface Member extends ListedMember {
  /** where it was asked; missing when it did not answer */
  endpoint?: string;
  status?: MemberStatus;
  /** why it is not healthy, in words; missing when it is */
  problem?: string;
}

export interface Alarm {
  memberId: string;
  type: 'NOSPACE' | 'CORRUPT';
}

/** What etcd takes for its quota unless it is told otherwise. */
export const DEFAULT_QUOTA_BYTES = 2 * 2 ** 30;

/**
 * A member's quota: none at all, a known size, or one that is only assumed because nothing tells it. What is assumed is
 * shown as such and decides nothing.
 */
export type Quota = { kind: 'none' } | { kind: 'known' | 'assumed'; bytes: number };

export interface HashKV {
  hash: number;
  revision: number;
  compactRevision: number;
}

export type HashAgreement =
  | { kind: 'agreed'; byMember: Readonly<Record<string, HashKV>> }
  | {
      kind: 'mismatch';
      byMember: Readonly<Record<string, HashKV>>;
      majority: readonly string[];
      message: string;
    }
  | { kind: 'not-comparable'; message: string }
  | { kind: 'not-checked'; message: string };

/** kube-apiserver's compaction bookmark, the key `compact_rev_key`. What could not be read is unknown, never absent. */
export type CompactRevKey =
  | { kind: 'absent' }
  | { kind: 'known' /** the revision it last compacted to */; value: number; modRevision: number }
  | { kind: 'unknown'; message: string };

/** Whether a downgrade is enabled that no Status tells of (etcd 3.5). What could not be read is unknown, never absent. */
export type Downgrade = { kind: 'none' | 'enabled' } | { kind: 'unknown'; message: string };

export interface ClusterStatus {
  id: string;
  members: readonly Member[];
  leaderId?: string;
  alarms: readonly Alarm[];
  /** the newest revision that any voting member has applied */
  revision: number;
  quotas: Readonly<Record<string, Quota>>;
  downgrade: Downgrade;
  compactRevKey: CompactRevKey;
  /** undefined where it could not be read; 0 before the first compaction */
  compactRevision?: number;
  hashes: HashAgreement;
  warnings: readonly string[];
}

/** What is judged of a change: nothing is against it, something is that may pass, or something that will not. */
export type Verdict = { kind: 'go' } | { kind: 'not-now' | 'never'; reason: string };

export const votersOf = (cluster: { members: readonly Member[] }): Member[] =>
  cluster.members.filter((member) => !member.learner);

/** How a member is named in a sentence. */
export const label = (member: { id: string; name: string }): string =>
  member.name === '' ? member.id : `${member.name} (${member.id})`;
