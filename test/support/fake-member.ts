import { readFile } from 'node:fs/promises';
import { ServerCredentials } from '@grpc/grpc-js';
import type { ClusterPki } from './cluster-layout.ts';
import { type FakeEtcd, type Message, startFakeEtcd } from './fake-etcd.ts';

export interface Listed {
  /** decimal */
  ID: string;
  name?: string;
  clientURLs?: readonly string[];
  isLearner?: boolean;
}

export interface FakeMemberOptions {
  /** its own ID, decimal; 1 when left out */
  id?: string;
  members: readonly Listed[];
  pki?: ClusterPki | undefined;
  applied?: number;
}

const CLUSTER_ID = '77';

/** What no real member can be made to say: a member list of any kind. It answers Status, MemberList and Authenticate. */
export async function startFakeMember(options: FakeMemberOptions): Promise<FakeEtcd> {
  const { id = '1', members, pki, applied = 9 } = options;
  const header = { cluster_id: CLUSTER_ID, member_id: id, revision: '5', raft_term: '2' };
  const status: Message = {
    header,
    version: '3.6.16',
    dbSize: '20480',
    leader: id,
    raftTerm: '2',
    raftIndex: String(applied),
    raftAppliedIndex: String(applied),
  };
  const unary = {
    'Maintenance/Status': () => status,
    'Cluster/MemberList': () => ({ header, members }),
    'Auth/Authenticate': () => ({ header, token: 'a-token' }),
  };
  return startFakeEtcd({ unary }, pki && (await tlsOf(pki)));
}

async function tlsOf({ ca, server }: ClusterPki): Promise<ServerCredentials> {
  const pair = { private_key: await readFile(server.key), cert_chain: await readFile(server.cert) };
  return ServerCredentials.createSsl(await readFile(ca), [pair], true);
}
