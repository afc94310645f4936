import type { ClientTls } from './http-request.ts';
import { plainEnv, runProgram } from './run-program.ts';
import { etcdctl } from './tools.ts';

export interface EtcdAuth {
  user: string;
  password: string;
}

/** How a client gets in. */
export interface Access {
  tls?: ClientTls | undefined;
  /** The same without a name in the certificate, for etcd's JSON gateway. */
  gatewayTls?: ClientTls | undefined;
  auth?: EtcdAuth | undefined;
}

/** etcdctl's variables, which are also those of the job under test. */
export function accessEnv(urls: string[], access: Access): Record<string, string> {
  const { tls, auth } = access;
  return {
    ETCDCTL_ENDPOINTS: urls.join(','),
    ...(tls && { ETCDCTL_CACERT: tls.ca, ETCDCTL_CERT: tls.cert, ETCDCTL_KEY: tls.key }),
    ...(auth && { ETCDCTL_USER: auth.user, ETCDCTL_PASSWORD: auth.password }),
  };
}

/**
 * Runs etcdctl 3.6 and returns its stdout. It refuses a flag that is also in its environment: the endpoints are given
 * here, not as an argument.
 */
export async function runEtcdctl(
  urls: string[],
  access: Access,
  args: string[],
  input?: string,
): Promise<string> {
  const env = plainEnv({
    ...accessEnv(urls, access),
    ETCDCTL_DIAL_TIMEOUT: '10s',
    ETCDCTL_COMMAND_TIMEOUT: '60s',
  });
  return runProgram(await etcdctl(), args, {
    env,
    timeoutMs: 120_000,
    ...(input !== undefined && { input }),
  });
}

/**
 * JSON as etcdctl prints it with `-w json`. Its 64-bit numbers (IDs, hashes) do not fit into a number: those of 16
 * digits and more become strings of decimals.
 */
export function parseEtcdctlJson(text: string): unknown {
  return JSON.parse(text.replace(/([[:,]\s*)(\d{16,})(?=\s*[,}\]])/g, '$1"$2"'));
}
