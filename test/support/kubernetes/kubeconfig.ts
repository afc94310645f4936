import { readFile, writeFile } from 'node:fs/promises';

/** Who asks, and whom: the paths of PEM files. */
export interface KubeconfigOptions {
  /** The API server's URL. */
  server: string;
  ca: string;
  cert: string;
  key: string;
}

const data = (file: string) => readFile(file, 'base64');

/** Writes a kubeconfig that holds everything itself, as kubeadm's do: it can be moved and mounted. */
export async function writeKubeconfig(path: string, options: KubeconfigOptions): Promise<void> {
  const { server, ca, cert, key } = options;
  const name = 'test';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': await data(ca) } }],
    users: [
      { name, user: { 'client-certificate-data': await data(cert), 'client-key-data': await data(key) } },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
}
