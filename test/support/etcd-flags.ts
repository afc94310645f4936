import type { MemberSpec } from './etcd-member.ts';
import type { KeyPair } from './pki.ts';
import type { EtcdVersion } from './tools.ts';

export interface FlagOptions {
  quotaBytes?: number | undefined;
  unsafeNoFsync: boolean;
  heartbeatMs: number;
  electionMs: number;
  token: string;
  initialCluster: string;
  state: 'new' | 'existing';
  /** The server's own certificate and the CA that clients and peers have to come from. */
  tls: (KeyPair & { ca: string }) | undefined;
  extra: string[];
}

type Addresses = Pick<
  MemberSpec,
  'name' | 'clientUrl' | 'httpUrl' | 'advertisedUrl' | 'listenPeerUrl' | 'peerUrl' | 'dataDir'
>;

/** The command line of one member. `extra` comes last, so that it wins. */
export function etcdFlags(version: EtcdVersion, member: Addresses, options: FlagOptions): string[] {
  const { tls } = options;
  return [
    `--name=${member.name}`,
    `--data-dir=${member.dataDir}`,
    `--listen-client-urls=${member.clientUrl}`,
    ...(member.httpUrl === member.clientUrl ? [] : [`--listen-client-http-urls=${member.httpUrl}`]),
    `--advertise-client-urls=${member.advertisedUrl}`,
    `--listen-peer-urls=${member.listenPeerUrl}`,
    `--initial-advertise-peer-urls=${member.peerUrl}`,
    `--initial-cluster=${options.initialCluster}`,
    `--initial-cluster-state=${options.state}`,
    `--initial-cluster-token=${options.token}`,
    `--heartbeat-interval=${options.heartbeatMs}`,
    `--election-timeout=${options.electionMs}`,
    '--logger=zap',
    // Else a member may be added only after all others were connected for five seconds.
    '--strict-reconfig-check=false',
    ...(options.quotaBytes === undefined ? [] : [`--quota-backend-bytes=${options.quotaBytes}`]),
    ...(options.unsafeNoFsync && version !== '3.4' ? ['--unsafe-no-fsync'] : []), // 3.4 does not know it
    ...(tls ? tlsFlags(tls) : []),
    ...options.extra,
  ];
}

function tlsFlags({ ca, cert, key }: KeyPair & { ca: string }): string[] {
  return ['', 'peer-'].flatMap((prefix) => [
    `--${prefix}trusted-ca-file=${ca}`,
    `--${prefix}cert-file=${cert}`,
    `--${prefix}key-file=${key}`,
    `--${prefix}client-cert-auth`,
  ]);
}
