import { readFile } from 'node:fs/promises';
import { Etcd3 } from 'etcd3';
import { noop } from 'cockatiel';
import type { Cluster } from './cluster-handle.ts';
import type { Member } from './etcd-member.ts';

/** An etcd3 client of one member, past any proxy; no retries. The caller closes it. */
export async function connectEtcd(cluster: Cluster, member: Member): Promise<Etcd3> {
  const { tls, auth } = cluster.access;
  return new Etcd3({
    hosts: member.clientUrl,
    ...(tls && {
      credentials: {
        rootCertificate: await readFile(tls.ca),
        certChain: await readFile(tls.cert),
        privateKey: await readFile(tls.key),
      },
    }),
    ...(auth && { auth: { username: auth.user, password: auth.password } }),
    faultHandling: { global: noop, host: () => noop },
    grpcOptions: {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      // An IP address as server name makes Node print a warning; the certificate holds for this name too.
      ...(tls && { 'grpc.ssl_target_name_override': 'localhost' }),
    },
  });
}
