import { type Cluster, createCluster } from './cluster-handle.ts';
import type { Access, EtcdAuth } from './etcdctl.ts';
import { askGateway } from './etcd-gateway.ts';
import type { Member } from './etcd-member.ts';
import { scratchFolder } from './scratch-folder.ts';
import { initialCluster, memberAddress, memberAt, prepareLayout } from './cluster-layout.ts';
import { restoreInto } from './restore-data.ts';
import type { EtcdVersion } from './tools.ts';

export type { Cluster } from './cluster-handle.ts';
export type { Member } from './etcd-member.ts';

export interface ClusterOptions {
  /** Voting members; 1 when left out. */
  size?: number;
  /** One for all members or one for each; 3.6 when left out. Minor versions side by side must be neighbours. */
  version?: EtcdVersion | EtcdVersion[];
  /** Clients and peers have to show a certificate. */
  tls?: boolean;
  /** The address of this machine that its members listen on and are known by; 127.0.0.1 when left out. */
  host?: string;
  /** Of the first member; a free one when left out. */
  clientPort?: number;
  /** Turns password authentication on; etcd wants the user to be `root`, who gets the role root. With `snapshot`: who gets in there. */
  auth?: EtcdAuth;
  quotaBytes?: number;
  /** More flags of etcd; they win over the others. */
  extraArgs?: string[] | ((index: number) => string[]);
  /** Serves gRPC alone on the clients' port, so that neither metrics nor a quota before 3.6.6 can be read there. */
  httpElsewhere?: boolean;
  /** The folder that the cluster's own folder is made in; memory where there is enough of it. */
  dataDir?: string;
  /** What a member tells clients to reach it by: the URL of a proxy in front of it. Called before it starts. */
  advertise?: (member: { index: number; clientUrl: string }) => string | Promise<string>;
  /** The same for the other members. */
  advertisePeer?: (member: { index: number; peerUrl: string }) => string | Promise<string>;
  /** Default true. */
  unsafeNoFsync?: boolean;
  heartbeatMs?: number;
  electionMs?: number;
  /** A snapshot file to start from; its hash is checked. */
  snapshot?: string;
}

const DEFAULT_VERSION: EtcdVersion = '3.6';

/** Starts a real cluster on this machine and waits until every member is healthy. `await using` ends and removes it. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const folder = await scratchFolder('cluster', options.dataDir);
  const members: Member[] = [];
  const remove = async () => {
    await Promise.all(members.map((member) => member.kill()));
    await folder[Symbol.asyncDispose]();
  };
  try {
    const site = await prepareLayout(folder.path, options);
    const indexes = Array.from({ length: options.size ?? 1 }, (_, index) => index);
    const addresses = await Promise.all(indexes.map((index) => memberAddress(site, index)));
    const joining = { initialCluster: initialCluster(addresses), state: 'new' } as const;
    for (const address of addresses) {
      const version = versionOf(options, address.index);
      if (options.snapshot) {
        await restoreInto(options.snapshot, version, { ...address, ...joining, token: site.token });
      }
      members.push(memberAt(site, address, version, joining));
    }
    await Promise.all(members.map((member) => member.start()));
    if (options.snapshot) site.access.auth = options.auth; // it is on in there
    for (const member of members) member.id = (await member.status()).memberId;
    const cluster = createCluster(site, members, remove);
    if (options.auth && !options.snapshot) await enableAuth(cluster.member(0), site.access, options.auth);
    site.access.auth = options.auth;
    return cluster;
  } catch (error) {
    await remove();
    throw error;
  }
}

function versionOf({ version }: ClusterOptions, index: number): EtcdVersion {
  return (Array.isArray(version) ? version[index] : version) ?? DEFAULT_VERSION;
}

/** Not through etcdctl: a password stands in its arguments, or on its stdin where it ends at the first space. */
async function enableAuth(
  { clientUrl }: Member,
  access: Access,
  { user, password }: EtcdAuth,
): Promise<void> {
  await askGateway(clientUrl, access, 'auth/user/add', { body: { name: user, password } });
  await askGateway(clientUrl, access, 'auth/role/add', { body: { name: 'root' } });
  await askGateway(clientUrl, access, 'auth/user/grant', { body: { user, role: 'root' } });
  await askGateway(clientUrl, access, 'auth/enable');
}
