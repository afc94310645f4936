import { setTimeout as sleep } from 'node:timers/promises';
import { type Access, accessEnv, parseEtcdctlJson, runEtcdctl } from './etcdctl.ts';
import type { Member } from './etcd-member.ts';
import {
  type ClusterPki,
  initialCluster,
  memberAddress,
  memberAt,
  type ClusterLayout,
} from './cluster-layout.ts';
import type { MemberStatus } from './member-status.ts';
import type { EtcdVersion } from './tools.ts';

const LEADER_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

export interface AddMemberOptions {
  learner?: boolean;
  /** `false`: only made known to the cluster, as one that never came up. */
  start?: boolean;
  version?: EtcdVersion;
}

export interface Cluster extends AsyncDisposable {
  readonly members: Member[];
  /** The folder that holds its data and logs. */
  readonly folder: string;
  /** The advertised client URLs, comma separated. */
  readonly endpoints: string;
  /** The `ETCDCTL_*` variables for the job under test, with the advertised URLs. */
  readonly env: Record<string, string>;
  readonly access: Access;
  readonly pki: ClusterPki | undefined;
  /** The member at that index; throws when there is none. */
  member(index: number): Member;
  /** etcdctl against the members that run, past any proxy. Returns its stdout. */
  etcdctl(...args: string[]): Promise<string>;
  etcdctlWithInput(input: string, ...args: string[]): Promise<string>;
  /** With `-w json`; numbers of 16 digits and more are strings. */
  etcdctlJson(...args: string[]): Promise<unknown>;
  /** Waits until the running members agree on one of them. */
  leader(): Promise<Member>;
  followers(): Promise<Member[]>;
  /** Of every running member, in the order of `members`. */
  status(): Promise<MemberStatus[]>;
  /** Waits until every running member is healthy. */
  waitHealthy(): Promise<void>;
  addMember(options?: AddMemberOptions): Promise<Member>;
  moveLeaderTo(member: Member): Promise<void>;
  /** Ends the member and starts it again, with another version where one is given. */
  restart(member: Member, version?: EtcdVersion): Promise<void>;
}

/** The handle of members that run. */
export function createCluster(site: ClusterLayout, members: Member[], remove: () => Promise<void>): Cluster {
  const running = () => members.filter((member) => member.running);
  const direct = () => running().map(({ clientUrl }) => clientUrl);
  const advertised = () => members.map(({ advertisedUrl }) => advertisedUrl);
  const etcdctl = (...args: string[]) => runEtcdctl(direct(), site.access, args);

  async function leader(): Promise<Member> {
    const deadline = Date.now() + LEADER_TIMEOUT_MS;
    while (Date.now() < deadline) {
      const answers = await Promise.allSettled(running().map((member) => member.status(1000)));
      const seen = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.leaderId : '0'));
      const found = running().find(({ id }) => seen.length > 0 && seen.every((leaderId) => leaderId === id));
      if (found !== undefined) return found;
      await sleep(POLL_MS);
    }
    throw new Error(`the running members did not agree on a leader within ${LEADER_TIMEOUT_MS} ms`);
  }

  async function addMember(options: AddMemberOptions = {}): Promise<Member> {
    const { learner = false, start = true, version = '3.6' } = options;
    const address = await memberAddress(site, members.length);
    const joining = { initialCluster: initialCluster([...members, address]), state: 'existing' } as const;
    const member = memberAt(site, address, version, joining);
    const kind = learner ? ['--learner'] : [];
    const answer = await etcdctl('member', 'add', address.name, `--peer-urls=${address.peerUrl}`, ...kind);
    member.id = /Member\s+([0-9a-f]+) added/.exec(answer)?.[1] ?? '';
    members.push(member);
    if (!start) return member;
    await member.start({ wait: !learner });
    if (learner) await waitForAnswer(member);
    return member;
  }

  async function moveLeaderTo(member: Member): Promise<void> {
    if ((await leader()) !== member) await etcdctl('move-leader', member.id);
    while ((await leader()) !== member) await sleep(POLL_MS);
  }

  return {
    members,
    folder: site.folder,
    access: site.access,
    pki: site.pki,
    get endpoints() {
      return advertised().join(',');
    },
    get env() {
      return accessEnv(advertised(), site.access);
    },
    member(index) {
      const found = members[index];
      if (found === undefined) throw new Error(`the cluster has no member ${index}`);
      return found;
    },
    etcdctl,
    etcdctlWithInput: (input, ...args) => runEtcdctl(direct(), site.access, args, input),
    etcdctlJson: async (...args) => parseEtcdctlJson(await etcdctl(...args, '-w', 'json')),
    leader,
    followers: async () => {
      const first = await leader();
      return running().filter((member) => member !== first);
    },
    status: () => Promise.all(running().map((member) => member.status())),
    waitHealthy: async () => {
      await Promise.all(running().map((member) => member.waitHealthy()));
    },
    addMember,
    moveLeaderTo,
    restart,
    [Symbol.asyncDispose]: remove,
  };
}

/** A learner refuses the linearizable read that the others prove their health by. */
async function waitForAnswer(member: Member): Promise<void> {
  const deadline = Date.now() + LEADER_TIMEOUT_MS;
  for (;;) {
    const answer = await member.status().catch(() => undefined); // not listening yet
    if (answer !== undefined && answer.leaderId !== '0') return;
    if (Date.now() > deadline)
      throw new Error(`the learner ${member.name} did not come up\n${await member.log()}`);
    await sleep(POLL_MS);
  }
}

async function restart(member: Member, version?: EtcdVersion): Promise<void> {
  await member.stop();
  await member.start(version === undefined ? {} : { version });
}
