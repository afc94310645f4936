import { dirname, resolve } from 'node:path';
import { Failure, isBug, messageOf } from '../errors.ts';
import { readRegular } from '../util/regular-file.ts';
import { textAt } from './read.ts';

/** How an API server is reached. */
export interface ApiAccess {
  /** https, without a path */
  server: string;
  /** The file with the certificate of who signed the server's; kube-apiserver writes it only when it starts. */
  caFile: string;
  token: string;
}

const MAX_BYTES = 2 ** 20;
const TIMEOUT_MS = 30_000;

/** What a kubeconfig says of the authority: where it is, or what it is. */
type Authority = { 'certificate-authority': string } | { 'certificate-authority-data': string };

/**
 * A kubeconfig with one cluster, one user and one context, all of one name. As JSON, which is YAML too, so that whoever
 * reads it needs no more than that.
 */
export function kubeconfigOf(name: string, server: string, authority: Authority, token: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...authority } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
}

/** Reads one that `apiserver` wrote. @throws Failure `configuration` for any other */
export async function readKubeconfig(path: string, signal: AbortSignal): Promise<ApiAccess> {
  try {
    const bytes = await readFile(path, signal);
    return accessIn(JSON.parse(bytes.toString()), dirname(path));
  } catch (error) {
    signal.throwIfAborted();
    if (isBug(error)) throw error;
    const message = `the kubeconfig ${path} cannot be used: ${messageOf(error)}; it should be what the command apiserver wrote`;
    throw new Failure('configuration', message, { cause: error });
  }
}

/** Any of the files that go with it, as bytes. */
export const readFile = (path: string, signal: AbortSignal): Promise<Buffer> =>
  readRegular(path, MAX_BYTES, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));

function accessIn(config: unknown, folder: string): ApiAccess {
  const server = textAt(config, 'clusters', 0, 'cluster', 'server');
  const caFile = textAt(config, 'clusters', 0, 'cluster', 'certificate-authority');
  const token = textAt(config, 'users', 0, 'user', 'token');
  if (!/^https:\/\/[^/]+$/.test(server)) throw new Error('it names no server that begins with https://');
  if (caFile === '') throw new Error('it names no certificate-authority');
  if (token === '') throw new Error('it has no token');
  return { server, caFile: resolve(folder, caFile), token };
}
