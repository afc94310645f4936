import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../cluster-handle.ts';
import { request } from '../http-request.ts';
import { type Authority, createAuthority } from '../pki.ts';
import { freePort } from '../free-port.ts';
import { plainEnv, runProgram, SHORT_LIVED } from '../run-program.ts';
import { scratchFolder } from '../scratch-folder.ts';
import { type KubernetesVersion, kubernetes } from '../tools.ts';
import { startComponent } from './component.ts';
import { apiServerFlags } from './flags.ts';
import { writeKubeconfig } from './kubeconfig.ts';

export interface ApiServerOptions {
  /** Where it keeps its objects; it must outlive the API server. */
  etcd: Cluster;
  version?: KubernetesVersion;
  /** More flags of kube-apiserver; they win over the others. */
  extraArgs?: string[];
  /** Of its process, beyond what every child gets. */
  env?: Record<string, string>;
}

/** Who a client is, by its certificate: RBAC's user and group. */
export interface User {
  /** The name of its files. */
  name: string;
  user: string;
  group?: string;
}

export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** For kubectl and helm as the administrator, whatever the machine has configured: the whole environment. */
  readonly env: Record<string, string>;
  /** Holds logs, certificates and kubectl's cache. */
  readonly folder: string;
  /** What it takes client certificates from, and what it trusts kubelets by. */
  readonly authority: Authority;
  /** What it signs the tokens of service accounts with. */
  readonly tokenKey: string;
  /** Runs kubectl as the administrator and returns its stdout. Throws with its stderr. */
  kubectl(...args: string[]): Promise<string>;
  kubectlWithInput(input: string, ...args: string[]): Promise<string>;
  /** Makes a certificate and a kubeconfig; the kubeconfig's path. */
  kubeconfigFor(user: User): Promise<string>;
  /** The last lines of its log. */
  log(lines?: number): Promise<string>;
}

const KUBECTL_TIMEOUT_MS = 180_000;

/**
 * Starts kube-apiserver on 127.0.0.1 and waits until it is ready. There are no controllers: what needs a service
 * account or an owner's child needs a node (node.ts). `await using` ends it; its objects stay in etcd.
 */
export async function startApiServer({
  etcd,
  version,
  extraArgs = [],
  env: ownEnv = {},
}: ApiServerOptions): Promise<ApiServer> {
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await scratchFolder('apiserver'));
  const url = `https://127.0.0.1:${await freePort()}`;
  const authority = await createAuthority(join(folder, 'pki'), 'kubernetes');
  const admin = await authority.client({
    name: 'admin',
    commonName: 'kubernetes-admin',
    organization: 'system:masters',
  });
  const kubeconfig = join(folder, 'admin.conf');
  await writeKubeconfig(kubeconfig, { server: url, ca: authority.ca, ...admin });

  const tokens = await authority.client({ name: 'service-accounts' });
  const server = await authority.server({ name: 'server' });
  const program = await kubernetes('kube-apiserver', version);
  const settings = {
    etcd: { endpoints: etcd.endpoints, tls: etcd.access.tls },
    bind: '127.0.0.1',
    advertise: '127.0.0.1',
    port: new URL(url).port,
    ca: authority.ca,
    serving: server,
    tokens,
    kubeletClient: admin,
  };
  const flags = [...apiServerFlags(settings), ...extraArgs];
  const component = stack.use(startComponent('kube-apiserver', [program, ...flags], folder, ownEnv));
  await component.waitUntil('ready', async () => {
    const { status } = await request(`${url}/readyz`, { tls: { ca: authority.ca, ...admin } });
    return status === 200;
  });

  // kubectl's cache and settings lie in the home folder.
  const env = plainEnv({ ...SHORT_LIVED, HOME: join(folder, 'home'), KUBECONFIG: kubeconfig });
  await mkdir(join(folder, 'home'));
  const owned = stack.move();
  return {
    url,
    kubeconfig,
    env,
    folder,
    authority,
    tokenKey: tokens.key,
    // Found when it is wanted: not everyone who starts an API server has it.
    kubectl: async (...args) =>
      runProgram(await kubernetes('kubectl'), args, { env, timeoutMs: KUBECTL_TIMEOUT_MS }),
    kubectlWithInput: async (input, ...args) =>
      runProgram(await kubernetes('kubectl'), args, { env, input, timeoutMs: KUBECTL_TIMEOUT_MS }),
    kubeconfigFor: async ({ name, user, group }) => {
      const who = { name, commonName: user, ...(group !== undefined && { organization: group }) };
      const path = join(folder, `${name}.conf`);
      await writeKubeconfig(path, { server: url, ca: authority.ca, ...(await authority.client(who)) });
      return path;
    },
    log: (lines) => component.log(lines),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
