import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import packageJson from '../../package.json' with { type: 'json' };
import type { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { kubernetes } from '../support/tools.ts';
import { ETCD, IMAGE } from './images.ts';

/** What the machines of an operator have and those of the test have not, and what both look at. */

/** The name that kubeadm gives etcd's image. */
export const KUBEADM_ETCD = ETCD.replace(/^.*:v(.*)$/, 'registry.k8s.io/etcd:$1-0');
/** The names in the runbook. There is no registry: the images are on the nodes already. */
export const TAGS = {
  [KUBEADM_ETCD]: ETCD,
  [`ghcr.io/etcd-upkeep/etcd-upkeep:${packageJson.version}`]: IMAGE,
};
/** Of the runbook's headings. */
export const SETTINGS = '1. Settings';
export const FETCH = '2. Fetch';
export const BUILD = '3. Build the new data';
export const STOP = '4. Stop, and swap';
export const START = '5. Start';
export const CHECK = '6. Check, and back up';

const ROOT_CA = 'kube-root-ca.crt';
const PATIENCE_MS = 60_000;

/**
 * Fills a folder for the PATH of a control-plane node. There is no sshd: what scp is asked to copy, the /var/restore of
 * each machine, is a folder that all machines see.
 * @param hosts the folder of the machines' own folders
 */
export async function writePrograms(folder: string, hosts: string): Promise<void> {
  await symlink(await kubernetes('kubectl'), join(folder, 'kubectl'));
  const scp = `test "$1 $2" = '-pr /var/restore'
target=\${3#root@}
test "\${target#*:}" = /var/
cp -pr "$2/." "${hosts}/\${target%%:*}/restore/"
`;
  await writeProgram(join(folder, 'scp'), scp);
}

/** `docker run` with the flags that the runbook uses, as root and on the host's network, by the containerd of the node. */
export async function writeDocker(folder: string): Promise<void> {
  const docker = `test "$1" = run && shift
mounts=
while :; do
  case $1 in
  --rm) shift ;;
  --user | --network) shift 2 ;;
  --env-file) env=$(realpath "$2") && shift 2 ;;
  -v)
    rest=\${2#*:}
    case $rest in *:ro) mode=ro ;; *) mode=rw ;; esac
    mounts="$mounts --mount type=bind,src=\${2%%:*},dst=\${rest%%:*},options=rbind:$mode"
    shift 2 ;;
  *) break ;;
  esac
done
image=$1 && shift
export CONTAINERD_NAMESPACE=k8s.io
ctr run --detach --null-io --net-host --env-file "$env" $mounts "$image" docker sleep 1h
code=0
ctr task exec --user 0 --exec-id docker docker etcd-upkeep "$@" || code=$?
ctr task rm --force docker >/dev/null 2>&1
ctr container rm docker
exit $code
`;
  await writeProgram(join(folder, 'docker'), docker);
}

export async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\nset -eu\n${script}`);
  await chmod(path, 0o755);
}

/** ConfigMaps of the namespace `default`. */
export async function createConfigMap({ kubectl }: ControlPlane, name: string): Promise<void> {
  await kubectl('create', 'configmap', name, '--from-literal=key=value');
}

/** Their names, sorted, without the one that a controller makes. */
export async function configMaps({ kubectl }: ControlPlane): Promise<string[]> {
  const names = (await kubectl('get', 'configmaps', '--output=name')).trim().split('\n');
  return names
    .map((name) => name.replace('configmap/', ''))
    .filter((name) => name !== ROOT_CA)
    .toSorted();
}

/** What a client would remember, and etcd's own. They are compared as numbers. */
export async function revisions(plane: ControlPlane): Promise<{ resourceVersion: number; etcd: number }> {
  const list = await plane.kubectl('get', '--raw', '/api/v1/namespaces/default/configmaps');
  const { metadata }: { metadata: { resourceVersion: string } } = JSON.parse(list);
  const status: { Status: { header: { revision: number } } }[] = JSON.parse(
    await plane.etcdctl('endpoint', 'status', '--write-out=json'),
  );
  return {
    resourceVersion: Number(metadata.resourceVersion),
    etcd: Math.max(...status.map(({ Status }) => Status.header.revision)),
  };
}

/** A controller still does its work: it makes the ConfigMap of every namespace. */
export async function assertControllersWork({ kubectl }: ControlPlane, namespace: string): Promise<void> {
  await kubectl('create', 'namespace', namespace);
  await kubectl('wait', '-n', namespace, '--for=create', `configmap/${ROOT_CA}`, '--timeout=60s');
}

export async function until(what: string, reached: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(100);
  }
}
