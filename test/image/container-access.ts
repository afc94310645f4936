import { chmod, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../support/etcd-cluster.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import type { ContainerOptions } from './container.ts';

/** Where a program might leave something although the root is read-only. */
const TEMPORARY = ['/tmp', '/var/tmp', '/dev/shm'];

export interface ContainerSite extends AsyncDisposable {
  readonly options: ContainerOptions;
  readonly backups: string;
  /** Holds the places in which nothing may be left behind. */
  readonly temporary: string;
  terminationMessage(): Promise<string>;
}

/** What a pod of that uid is given: certificates that it may read, a folder for backups, a termination log. */
export async function containerSite(cluster: Cluster, uid: number): Promise<ContainerSite> {
  const scratch = await scratchFolder('image');
  const backups = join(scratch.path, 'backups');
  const temporary = join(scratch.path, 'temporary');
  const terminationLog = join(scratch.path, 'termination-log');

  await mkdir(backups, { mode: 0o700 });
  await chown(backups, uid, uid);
  await writeFile(terminationLog, '');
  await chmod(terminationLog, 0o666); // as kubelet leaves it
  const writable: Record<string, string> = { '/backups': backups, '/dev/termination-log': terminationLog };
  for (const path of TEMPORARY) {
    const folder = join(temporary, path);
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o1777);
    writable[path] = folder;
  }

  const readable: Record<string, string> = {};
  const env: Record<string, string> = { ETCDCTL_ENDPOINTS: cluster.endpoints };
  for (const [variable, file] of Object.entries(certificates(cluster))) {
    const own = join(scratch.path, variable);
    const inside = `/etc/etcd-upkeep/${variable}.pem`;
    await copyFile(file, own);
    await chown(own, uid, uid);
    await chmod(own, 0o400);
    readable[inside] = own;
    env[variable] = inside;
  }
  return {
    options: { user: `${uid}:${uid}`, env, readable, writable },
    backups,
    temporary,
    terminationMessage: () => readFile(terminationLog, 'utf8'),
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

function certificates({ pki }: Cluster): Record<string, string> {
  if (pki === undefined) throw new Error('the image is tested against a cluster with TLS');
  return { ETCDCTL_CACERT: pki.ca, ETCDCTL_CERT: pki.client.cert, ETCDCTL_KEY: pki.client.key };
}
