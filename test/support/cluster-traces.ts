import assert from 'node:assert/strict';
import type { Cluster, Member } from './etcd-cluster.ts';

/** What a run must not change where it changes nothing: read from each member itself, so also without a quorum. */
export interface Traces {
  revision: number;
  members: Map<Member, { dbSize: number; hash: HashKV }>;
  memberList: string;
  alarms: string[];
}

interface HashKV {
  hash: unknown;
  compactRevision: unknown;
}

/** Reads the members that run. Nothing may be writing. */
export async function tracesOf(cluster: Cluster): Promise<Traces> {
  const running = cluster.members.filter((member) => member.running);
  const statuses = await Promise.all(running.map((member) => member.status()));
  const revision = Math.min(...statuses.map((status) => status.revision));
  const members = new Map<Member, { dbSize: number; hash: HashKV }>();
  for (const [index, member] of running.entries()) {
    members.set(member, { dbSize: statuses[index]?.dbSize ?? 0, hash: await hashOf(member, revision) });
  }
  const [first] = running;
  return {
    revision,
    members,
    memberList: (await first?.etcdctl('member', 'list', '--consistency=s')) ?? '',
    alarms: statuses.flatMap(({ errors }) => errors),
  };
}

/**
 * Fails when the run left anything behind: other data, less history, smaller files, other members or alarms, a lock.
 * With `locked` the run may have taken and released its lock, which moves the revision and nothing else.
 */
export async function assertUntouched(
  cluster: Cluster,
  before: Traces,
  { locked = false } = {},
): Promise<void> {
  const now = await tracesOf(cluster);
  if (!locked) assert.equal(now.revision, before.revision, 'something was written');
  assert.equal(now.memberList, before.memberList);
  assert.deepEqual(now.alarms, before.alarms);
  for (const [member, { dbSize, hash }] of before.members) {
    if (!member.running) continue;
    const after = now.members.get(member);
    assert.ok((after?.dbSize ?? 0) >= dbSize, `${member.name} was defragmented`);
    assert.deepEqual(
      await hashOf(member, before.revision),
      hash,
      `${member.name} holds other data or history`,
    );
    const keys = await member.etcdctl('get', '--prefix', 'etcd-upkeep/', '--keys-only', '--consistency=s');
    assert.equal(keys.trim(), '', `a lock was left at ${member.name}`);
  }
}

async function hashOf(member: Member, revision: number): Promise<HashKV> {
  const answer = await member.etcdctl('endpoint', 'hashkv', `--rev=${revision}`, '-w', 'json');
  const hash = /"hash":(\d+)/.exec(answer)?.[1];
  const compactRevision = /"compact_revision":(-?\d+)/.exec(answer)?.[1];
  if (hash === undefined) throw new Error(`no hash in ${answer}`);
  return { hash, compactRevision };
}
