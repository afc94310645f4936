import { loadConfig } from '../../src/config/config.ts';
import { Connection } from '../../src/etcd/client/connection.ts';
import { type FakeAnswers, type FakeEtcd, startFakeEtcd } from './fake-etcd.ts';

export interface FakeMember extends AsyncDisposable {
  readonly connection: Connection;
  readonly server: FakeEtcd;
}

/** A connection to a server that gives these answers. */
export async function connectFake(
  answers: FakeAnswers,
  env: Record<string, string> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<FakeMember> {
  const server = await startFakeEtcd(answers);
  const settings = loadConfig({ ETCDCTL_ENDPOINTS: server.url, ...env }).etcd;
  const connection = new Connection(server.url, settings, signal);
  return {
    connection,
    server,
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
