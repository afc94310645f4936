import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type handleUnaryCall, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ClusterPki } from './cluster-layout.ts';

/** What no real member can be made to say: a member list of any kind. It answers Status, MemberList and Authenticate. */
export interface FakeMember extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

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

const proto = fileURLToPath(new URL('../proto/rpc.proto', import.meta.resolve('etcd3')));
const CLUSTER_ID = '77';

export async function startFakeMember(options: FakeMemberOptions): Promise<FakeMember> {
  const { id = '1', members, pki, applied = 9 } = options;
  const server = new Server();
  const services = loadSync(proto, { keepCase: true, longs: String });
  const header = { cluster_id: CLUSTER_ID, member_id: id, revision: '5', raft_term: '2' };
  const serve = (name: string, method: string, answer: object): void => {
    const service = services[`etcdserverpb.${name}`];
    if (!isService(service)) throw new Error(`${proto} has no service ${name}`);
    const handle: handleUnaryCall<object, object> = (_call, reply) => reply(null, answer);
    server.addService(service, { [method]: handle });
  };
  serve('Maintenance', 'Status', {
    header,
    version: '3.6.16',
    dbSize: '20480',
    leader: id,
    raftTerm: '2',
    raftIndex: String(applied),
    raftAppliedIndex: String(applied),
  });
  serve('Cluster', 'MemberList', { header, members });
  serve('Auth', 'Authenticate', { header, token: 'a-token' });
  const credentials = pki ? await tlsOf(pki) : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const url = `${pki ? 'https' : 'http'}://127.0.0.1:${port}`;
  return { url, port, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

async function tlsOf({ ca, server }: ClusterPki): Promise<ServerCredentials> {
  const pair = { private_key: await readFile(server.key), cert_chain: await readFile(server.cert) };
  return ServerCredentials.createSsl(await readFile(ca), [pair], true);
}

/** The loader types whatever it finds in the file as one of everything that it could be. */
const isService = (found: object | undefined): found is ServiceDefinition =>
  found !== undefined && !('format' in found);
