import { type Environment, loadConfig } from '../../src/config/config.ts';
import type { ClusterStatus, HashAgreement, Member, MemberStatus } from '../../src/etcd/types.ts';
import { MIB } from './units.ts';

const GIB = 2 ** 30;

interface MemberChanges extends Partial<Omit<Member, 'status'>> {
  /** changes to a healthy status; `null` for a member that did not answer */
  status?: Partial<MemberStatus> | null;
}

/** A member's ID as the builders here give it: its name in hexadecimal. */
export const idOf = (name: string): string => Buffer.from(name).toString('hex');

/** A healthy voting member of 3.6 with half a gibibyte, of which a tenth could be reclaimed. */
export function member(name: string, { status, ...changes }: MemberChanges = {}): Member {
  const id = idOf(name);
  const url = `https://${name}.example:2379`;
  return {
    id,
    name,
    learner: false,
    clientUrls: [url],
    ...(status !== null && { endpoint: url, status: { ...healthy(id), ...status } }),
    ...changes,
  };
}

function healthy(memberId: string): MemberStatus {
  return {
    memberId,
    clusterId: 'c1',
    version: '3.6.16',
    dbSize: 500 * MIB,
    dbSizeInUse: 450 * MIB,
    leaderId: idOf('a'),
    isLearner: false,
    revision: 50_000,
    raftTerm: 4,
    raftIndex: 70_000,
    raftAppliedIndex: 70_000,
    errors: [],
  };
}

/** A member that was added and never started: no name, no URLs, nothing to ask. */
export const unstarted = (id: string): Member => ({
  id,
  name: '',
  learner: false,
  clientUrls: [],
  problem: 'it was added and never started: it has no name and no client URLs',
});

/** Three healthy members, `a` leading; a member of `others` takes the place of the one with its name, or joins. */
export function threeMembers(
  others: readonly Member[] = [],
  changes: Partial<ClusterStatus> = {},
): ClusterStatus {
  const three = ['a', 'b', 'c'].map((name) => others.find((other) => other.name === name) ?? member(name));
  return clusterOf([...three, ...others.filter((other) => !three.includes(other))], changes);
}

/** These members and no other; the first leads. */
export function clusterOf(members: readonly Member[], changes: Partial<ClusterStatus> = {}): ClusterStatus {
  const leaderId = members[0]?.id;
  return {
    id: 'c1',
    members,
    ...(leaderId !== undefined && { leaderId }),
    alarms: [],
    revision: 50_000,
    quotas: Object.fromEntries(members.map(({ id }) => [id, { kind: 'known', bytes: 8 * GIB }])),
    downgrade: { kind: 'none' },
    compactRevKey: { kind: 'absent' },
    compactRevision: 40_000,
    hashes: { kind: 'agreed', byMember: {} },
    warnings: [],
    ...changes,
  };
}

export function withoutLeader({ leaderId: _leader, ...view }: ClusterStatus): ClusterStatus {
  return view;
}

/** The members of `majority` hold the same data and another does not; none: no majority does. */
export const mismatch = (...majority: string[]): Extract<HashAgreement, { kind: 'mismatch' }> => ({
  kind: 'mismatch',
  byMember: {},
  majority: majority.map(idOf),
  message: 'the members do not hold the same data',
});

/** What the run does by default, and what these variables change of it. */
export const policyOf = (env: Environment = {}) =>
  loadConfig({ ETCDCTL_ENDPOINTS: 'http://127.0.0.1:2379', ...env });
