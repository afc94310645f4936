import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Access, runEtcdctl } from './etcdctl.ts';
import type { ClusterOptions } from './etcd-cluster.ts';
import { etcdFlags } from './etcd-flags.ts';
import { createMember, type Member } from './etcd-member.ts';
import { type Authority, createAuthority, type KeyPair, LOOPBACK } from './pki.ts';
import { freePort } from './free-port.ts';
import type { EtcdVersion } from './tools.ts';

/** The certificates of a TLS cluster. */
export interface ClusterPki {
  folder: string;
  authority: Authority;
  ca: string;
  /** What every member shows to clients and to the others. */
  server: KeyPair;
  client: KeyPair;
}

/** What the members of one cluster have in common. */
export interface ClusterLayout {
  folder: string;
  token: string;
  options: ClusterOptions;
  pki: ClusterPki | undefined;
  /** How its own etcdctl gets in; the password is there once authentication is on. */
  access: Access;
}

export interface MemberAddress {
  index: number;
  name: string;
  clientUrl: string;
  httpUrl: string;
  advertisedUrl: string;
  listenPeerUrl: string;
  peerUrl: string;
  dataDir: string;
  logFile: string;
}

/** Long enough for two busy cores, short enough that a lost leader is replaced within about three seconds. */
const HEARTBEAT_MS = 100;
const ELECTION_MS = 1500;
/** A member that is alone elects itself after one to two of these, and nobody takes its place. */
const LONE_ELECTION_MS = 500;

export async function prepareLayout(folder: string, options: ClusterOptions): Promise<ClusterLayout> {
  const pki = options.tls ? await createPki(join(folder, 'pki'), options.host) : undefined;
  if (pki === undefined) return { folder, token: randomUUID(), options, pki, access: {} };
  const nameless = await pki.authority.client({ name: 'gateway', commonName: '' });
  const access = { tls: { ca: pki.ca, ...pki.client }, gatewayTls: { ca: pki.ca, ...nameless } };
  return { folder, token: randomUUID(), options, pki, access };
}

async function createPki(folder: string, host?: string): Promise<ClusterPki> {
  const authority = await createAuthority(folder);
  const server = await authority.server({ name: 'server', hosts: [...LOOPBACK, ...(host ? [host] : [])] });
  const client = await authority.client({ name: 'client' });
  return { folder, authority, ca: authority.ca, server, client };
}

export async function memberAddress(site: ClusterLayout, index: number): Promise<MemberAddress> {
  const scheme = site.pki ? 'https' : 'http';
  const { host = '127.0.0.1', clientPort } = site.options;
  const fixed = index === 0 ? clientPort : undefined;
  const clientUrl = `${scheme}://${host}:${fixed ?? (await freePort())}`;
  const httpUrl = site.options.httpElsewhere ? `${scheme}://${host}:${await freePort()}` : clientUrl;
  const listenPeerUrl = `${scheme}://${host}:${await freePort()}`;
  return {
    index,
    name: `m${index}`,
    clientUrl,
    httpUrl,
    advertisedUrl: (await site.options.advertise?.({ index, clientUrl })) ?? clientUrl,
    listenPeerUrl,
    peerUrl: (await site.options.advertisePeer?.({ index, peerUrl: listenPeerUrl })) ?? listenPeerUrl,
    dataDir: join(site.folder, `m${index}`),
    logFile: join(site.folder, `m${index}.log`),
  };
}

/** The text by which members find each other at their first start. */
export function initialCluster(addresses: { name: string; peerUrl: string }[]): string {
  return addresses.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
}

/** The member at an address, described and not started. */
export function memberAt(
  site: ClusterLayout,
  address: MemberAddress,
  version: EtcdVersion,
  joining: { initialCluster: string; state: 'new' | 'existing' },
): Member {
  const { options, pki, token } = site;
  const extra =
    typeof options.extraArgs === 'function' ? options.extraArgs(address.index) : (options.extraArgs ?? []);
  return createMember({
    ...address,
    version,
    access: site.access,
    flags: (now) =>
      etcdFlags(now, address, {
        ...joining,
        token,
        extra,
        quotaBytes: options.quotaBytes,
        unsafeNoFsync: options.unsafeNoFsync ?? true,
        heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
        electionMs: options.electionMs ?? ((options.size ?? 1) > 1 ? ELECTION_MS : LONE_ELECTION_MS),
        tls: pki && { ca: pki.ca, ...pki.server },
      }),
    etcdctl: (url, args) => runEtcdctl([url], site.access, args),
  });
}
