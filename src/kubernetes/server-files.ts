import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Encryption } from './encryption.ts';
import { kubeconfigOf } from './kubeconfig.ts';

/** Where a kube-apiserver in the same pod listens. */
export const DEFAULT_PORT = 6443;
/** What kube-apiserver calls the certificate that it makes for itself, in the folder of `--cert-dir`. */
const OWN_CERTIFICATE = 'apiserver.crt';
/** The only user there is. */
const USER = 'etcd-upkeep';

/**
 * Writes what a kube-apiserver over a restored etcd is started with, made for it alone: the key pair that a server
 * cannot do without, one token that may read everything and change nothing, and a way out that leads nowhere. Whatever
 * the restored data name (an APIService, a webhook, a node) would else be called, in the cluster that is alive.
 */
export async function writeServerFiles(
  folder: string,
  port: number,
  encryption: Encryption | undefined,
): Promise<void> {
  const token = randomBytes(32).toString('hex');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authority = { 'certificate-authority': OWN_CERTIFICATE };
  const files: Record<string, string | Buffer> = {
    'service-account.key': privateKey.export({ type: 'sec1', format: 'pem' }),
    'service-account.pub': publicKey.export({ type: 'spki', format: 'pem' }),
    'tokens.csv': `${token},${USER},${USER}\n`,
    'policy.jsonl': POLICY.map((spec) => `${JSON.stringify({ ...POLICY_KIND, spec })}\n`).join(''),
    'egress-selector.json': JSON.stringify(egressTo(join(resolve(folder), 'nowhere.sock'))),
    kubeconfig: JSON.stringify(kubeconfigOf('drill', `https://127.0.0.1:${port}`, authority, token)),
    ...(encryption && { 'encryption.json': JSON.stringify(encryption.config) }),
  };
  for (const [name, content] of Object.entries(files)) await writeAnew(join(folder, name), content);
}

/** What was there keeps its mode, or leads elsewhere, and others may read that: so it goes first. */
async function writeAnew(path: string, content: string | Buffer): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, content, { mode: 0o600, flag: 'wx' });
}

const POLICY_KIND = { apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy' };
/** One line for what there is in namespaces and without, one for `/readyz`, `/version` and what else is no resource. */
const POLICY = [
  { user: USER, namespace: '*', resource: '*', apiGroup: '*', readonly: true },
  { user: USER, nonResourcePath: '*', readonly: true },
];

/** Every connection to the cluster or its control plane goes through a proxy, at a socket that does not exist. */
function egressTo(udsName: string): object {
  const connection = { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName } } };
  return {
    apiVersion: 'apiserver.k8s.io/v1beta1',
    kind: 'EgressSelectorConfiguration',
    egressSelections: ['cluster', 'controlplane'].map((name) => ({ name, connection })),
  };
}
