import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '../support/etcd-cluster.ts';
import { cgroupFolders } from '../support/kubernetes/cgroup.ts';
import { CONTROL_PLANE } from '../support/kubernetes/kubeadm.ts';
import { startNode } from '../support/kubernetes/node.ts';
import { apply, podEnd } from '../support/kubernetes/pods.ts';
import { privateSite } from '../support/kubernetes/private.ts';
import { runProgram } from '../support/run-program.ts';
import { IMAGE } from './images.ts';
import { claimOf, localVolume, namespaceOf, secretOf } from './objects.ts';

const startedAt = Date.now();
const node = await startNode();
const startMs = Date.now() - startedAt;
after(() => node[Symbol.asyncDispose]());

const TOLERATED = [{ key: CONTROL_PLANE, operator: 'Exists' }];
const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
const OWN_USER = { runAsNonRoot: true, runAsUser: 65_532, runAsGroup: 65_532, fsGroup: 65_532 };

test('the node looks like one of kubeadm', async (t) => {
  t.diagnostic(`it was ready after ${startMs} ms`);
  const about = async (path: string) => node.kubectl('get', 'node', node.name, `--output=jsonpath=${path}`);
  assert.equal(await about('{.status.conditions[?(@.type=="Ready")].status}'), 'True');
  assert.equal(await about('{.spec.taints}'), `[{"effect":"NoSchedule","key":"${CONTROL_PLANE}"}]`);
  assert.match(await about('{.metadata.labels}'), new RegExp(`"${CONTROL_PLANE}":""`));
  assert.equal(await about('{.status.addresses[?(@.type=="InternalIP")].address}'), node.address);
  assert.equal(node.etcd.endpoints, 'https://127.0.0.1:2379');
  for (const name of ['ca', 'server', 'peer', 'healthcheck-client']) {
    const { mode, uid } = await stat(join(node.etcdPki, `${name}.key`));
    assert.deepEqual({ name, mode: mode & 0o777, uid }, { name, mode: 0o600, uid: 0 });
    assert.match(await node.inside('cat', `/etc/kubernetes/pki/etcd/${name}.crt`), /BEGIN CERTIFICATE/);
  }
  assert.match(
    await node.etcd.etcdctl('get', '--keys-only', '/registry/minions/', '--prefix'),
    /control-plane/,
  );
});

test('a pod with the host network and files of the host reaches its etcd', async () => {
  const pki = '/etc/kubernetes/pki/etcd';
  const files = ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key'];
  await apply(node, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'host', namespace: 'kube-system' },
    spec: {
      hostNetwork: true,
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      nodeSelector: { [CONTROL_PLANE]: '' },
      tolerations: TOLERATED,
      containers: [
        {
          name: 'upkeep',
          image: IMAGE,
          env: env({
            ETCDCTL_ENDPOINTS: 'https://127.0.0.1:2379',
            ETCDCTL_CACERT: `${pki}/ca.crt`,
            ETCDCTL_CERT: `${pki}/healthcheck-client.crt`,
            ETCDCTL_KEY: `${pki}/healthcheck-client.key`,
            DRY_RUN: 'true',
          }),
          securityContext: { ...RESTRICTED, runAsUser: 0, runAsGroup: 0 },
          volumeMounts: [
            ...files.map((file) => ({ name: volumeName(file), mountPath: `${pki}/${file}`, readOnly: true })),
            { name: 'backups', mountPath: '/backups' },
          ],
        },
      ],
      volumes: [
        ...files.map((file) => ({
          name: volumeName(file),
          hostPath: { path: `${pki}/${file}`, type: 'File' },
        })),
        { name: 'backups', hostPath: { path: '/var/backups/etcd-upkeep', type: 'DirectoryOrCreate' } },
      ],
    },
  });
  const { phase, exitCode, message, log } = await podEnd(node, 'kube-system', 'host');
  assert.deepEqual({ phase, exitCode }, { phase: 'Succeeded', exitCode: 0 }, log);
  assert.equal(JSON.parse(message).outcome, 'dry-run');
  assert.deepEqual(await readdir(join(node.backups, 'etcd-upkeep')), []);
});

test('a restricted pod of the pod network reaches an etcd outside and writes to a local volume', async () => {
  await using etcd = await startCluster({ size: 3, tls: true, host: node.address });
  const namespace = 'restricted';
  const folder = await node.makeFolder('volume');
  await apply(
    node,
    namespaceOf(namespace, 'restricted'),
    localVolume('local', folder),
    claimOf(namespace, 'backups'),
    await secretOf(namespace, 'certificates', etcd),
  );
  await node.kubectl('wait', '--for=create', 'serviceaccount/default', '-n', namespace, '--timeout=60s');
  await apply(node, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'outside', namespace },
    spec: {
      restartPolicy: 'Never',
      tolerations: TOLERATED,
      securityContext: OWN_USER,
      containers: [
        {
          name: 'upkeep',
          image: IMAGE,
          env: env({
            ETCDCTL_ENDPOINTS: etcd.member(0).clientUrl,
            ETCDCTL_CACERT: '/certificates/ca.crt',
            ETCDCTL_CERT: '/certificates/tls.crt',
            ETCDCTL_KEY: '/certificates/tls.key',
          }),
          securityContext: RESTRICTED,
          volumeMounts: [
            { name: 'certificates', mountPath: '/certificates', readOnly: true },
            { name: 'backups', mountPath: '/backups' },
          ],
        },
      ],
      volumes: [
        { name: 'certificates', secret: { secretName: 'certificates', defaultMode: 0o440 } },
        { name: 'backups', persistentVolumeClaim: { claimName: 'backups' } },
      ],
    },
  });
  const { phase, exitCode, log } = await podEnd(node, namespace, 'outside');
  assert.deepEqual({ phase, exitCode }, { phase: 'Succeeded', exitCode: 0 }, log);
  const [first = ''] = await readdir(folder);
  const { gid } = await stat(folder);
  assert.equal(gid, OWN_USER.fsGroup, 'kubelet gives the volume to the group of the pod');
  assert.equal((await readdir(join(folder, first))).length, 2, 'a backup and its manifest');
});

test('a restricted namespace takes no privileged pod', async () => {
  const namespace = 'refusing';
  await apply(node, namespaceOf(namespace, 'restricted'));
  await node.kubectl('wait', '--for=create', 'serviceaccount/default', '-n', namespace, '--timeout=60s');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'privileged', namespace },
    spec: { containers: [{ name: 'any', image: IMAGE, securityContext: { privileged: true } }] },
  };
  await assert.rejects(apply(node, pod), /violates PodSecurity "restricted:latest": privileged/);
});

test('nothing is left after its scope', async () => {
  await node[Symbol.asyncDispose]();
  assert.deepEqual(await tracesOf(node.folder), []);
});

test('nothing is left when the test process is killed', async () => {
  const script = `
    const { startNode } = await import('./test/support/kubernetes/node.ts');
    const node = await startNode();
    console.log(node.folder);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 2],
  });
  assert.ok(child.stdout);
  const [line] = await once(child.stdout, 'data');
  const folder = String(line).trim();
  assert.notDeepEqual(await tracesOf(folder), []);
  child.kill('SIGKILL');
  for (let tries = 0; tries < 100 && (await tracesOf(folder)).length > 0; tries += 1) await sleep(100);
  assert.deepEqual(await tracesOf(folder), []);
});

const volumeName = (file: string) => file.replaceAll('.', '-');
const env = (variables: Record<string, string>) =>
  Object.entries(variables).map(([name, value]) => ({ name, value }));

/** What there is of a node: processes, mounts, control groups, network devices, files. */
async function tracesOf(folder: string): Promise<string[]> {
  const { cgroup } = privateSite();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const processes = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')), // it has just ended
  );
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n');
  const devices = (await runProgram('ip', ['-brief', 'link']))
    .split('\n')
    .filter((line) => line && !line.startsWith('lo'));
  return [
    ...processes
      .map((line) => line.replaceAll('\0', ' '))
      .filter((line) => line.includes(folder) || /kubelet|containerd/.test(line)),
    ...mounts.filter((line) => line.includes(folder)),
    ...(await cgroupFolders(cgroup)).filter((path) => existsSync(path)),
    ...devices,
    ...(existsSync(folder) ? [folder] : []),
  ];
}
