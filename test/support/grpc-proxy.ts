import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Access } from './etcdctl.ts';
import { freePort } from './free-port.ts';
import { endProcess, guardProcess } from './process-guard.ts';
import { plainEnv } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { etcdBinary, type EtcdVersion } from './tools.ts';

/** etcd's own grpc-proxy, plain text on its own side. */
export interface GrpcProxy extends AsyncDisposable {
  readonly url: string;
}

export interface GrpcProxyOptions {
  version?: EtcdVersion;
  /** How it gets in at the members. */
  access?: Access;
  /** Registers it in etcd under this prefix by its address; its member list is then that of the proxies there. */
  resolverPrefix?: string;
  /** What it says of itself instead of its own address. */
  advertised?: string | undefined;
}

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/** A proxy before these members, ready to take connections. */
export async function startGrpcProxy(
  endpoints: readonly string[],
  { version = '3.6', access = {}, resolverPrefix, advertised }: GrpcProxyOptions = {},
): Promise<GrpcProxy> {
  const folder = await scratchFolder('grpc-proxy');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const { tls } = access;
  const args = [
    `--endpoints=${endpoints.join(',')}`,
    `--listen-addr=${address}`,
    `--data-dir=${folder.path}`,
    ...(tls ? [`--cacert=${tls.ca}`, `--cert=${tls.cert}`, `--key=${tls.key}`] : []),
    `--advertise-client-url=${advertised ?? address}`,
    ...(resolverPrefix === undefined ? [] : [`--resolver-prefix=${resolverPrefix}`, '--resolver-ttl=60']),
  ];
  const child = spawn(await etcdBinary(version), ['grpc-proxy', 'start', ...args], {
    stdio: 'ignore',
    cwd: folder.path,
    env: plainEnv(),
  });
  guardProcess(child);
  const stop = async (): Promise<void> => {
    await endProcess(child, 'SIGKILL');
    await folder[Symbol.asyncDispose]();
  };
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`etcd grpc-proxy ${args.join(' ')} did not come up`);
    }
    await sleep(POLL_MS);
  }
  return { url: `http://${address}`, [Symbol.asyncDispose]: stop };
}

function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
