import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, chown, cp, readdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { startBackedUpCluster } from '../commands/backed-up-cluster.ts';
import { startApiServer } from '../support/kubernetes/apiserver.ts';
import { privateSite } from '../support/kubernetes/private.ts';
import { runProgram } from '../support/run-program.ts';
import { REPOSITORY } from '../support/repository.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { kubernetes } from '../support/tools.ts';
import { type ComposeSite, startComposeSite } from './compose-site.ts';
import { IMAGE, KUBE_APISERVER } from './images.ts';

/** docs/browse/compose.yaml, from a backup of a cluster that encrypts its Secrets. */

const FILE = join(REPOSITORY, 'docs/browse/compose.yaml');
const PORT = 16_443;
const USER = 65_532;
const PASSWORD = 'never-in-plain-in-etcd';
const VERSION = KUBE_APISERVER.split(':')[1] ?? '';
const ENCRYPTION = JSON.stringify({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [
    {
      resources: ['secrets'],
      providers: [{ secretbox: { keys: [{ name: 'one', secret: Buffer.alloc(32, 7).toString('base64') }] } }],
    },
  ],
});

const scratch = await scratchFolder('compose');
const kubeconfig = join(scratch.path, 'kubeconfig');
const settings: Record<string, string> = {
  KUBERNETES_VERSION: VERSION,
  BACKUPS: join(scratch.path, 'backups'),
  ENCRYPTION_CONFIG: join(scratch.path, 'encryption.yaml'),
  ETCD_UPKEEP_IMAGE: IMAGE,
};
let site: ComposeSite;

before(async () => {
  await writeFile(settings['ENCRYPTION_CONFIG'] ?? '', ENCRYPTION);
  await makeBackup();
  site = await startComposeSite();
});
after(async () => {
  await compose('down', '--volumes', '--timeout=1').catch(() => undefined); // the first of them tells
  await site[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const compose = (...args: string[]) => composeWith({}, ...args);
const composeWith = (extra: Record<string, string>, ...args: string[]) =>
  site.compose({ ...settings, ...extra }, '--file', FILE, ...args);
const kubectl = async (...args: string[]) =>
  runProgram(await kubernetes('kubectl'), ['--kubeconfig', kubeconfig, ...args]);
const refused = (promise: Promise<unknown>) => promise.then(() => assert.fail('it went through'), messageOf);

test('without the version of kube-apiserver it says what to set', async () => {
  const message = await refused(composeWith({ KUBERNETES_VERSION: '' }, 'up', '--detach'));
  assert.match(message, /KUBERNETES_VERSION=v1\./);
});

test('it serves the backup, Secrets too, and nothing can be written', async (t) => {
  // Another etcd where the scratch one has its port, as on a rescue host that is a control plane: nobody may come to it.
  let calls = 0;
  const other = createServer((socket) => {
    calls += 1;
    socket.destroy();
  }).listen(2379, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');

  const listeners = await listening();
  const startedAt = performance.now();
  await compose('up', '--detach');
  await browsing();
  t.diagnostic(`it answered after ${Math.round((performance.now() - startedAt) / 100) / 10} s`);
  await writeFile(kubeconfig, await compose('exec', '-T', 'browse', 'etcd-upkeep', 'kubeconfig'));
  const secret = ['--namespace=shop', 'get', 'secret', 'db', '--output=jsonpath={.data.password}'];
  assert.equal(Buffer.from(await kubectl(...secret), 'base64').toString(), PASSWORD);
  assert.match(await refused(kubectl('--namespace=shop', 'delete', 'secret', 'db')), /Forbidden/);

  const more = (await listening()).filter((one) => !listeners.includes(one));
  assert.deepEqual(more, [`127.0.0.1:${PORT}`], 'one port, and on loopback alone');
  assert.equal(calls, 0, 'calls of the etcd on the host');
});

test('nobody else on the host gets to it: not by another address, and not to its etcd', async () => {
  const { address } = privateSite();
  assert.equal(await answers(address, PORT), false);
  const [name = ''] = (await compose('ps', '--quiet', 'browse')).trim().split('\n');
  const networks = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  const inside = (await site.podman('inspect', '--format', networks, name)).trim();
  assert.equal(await answers(inside, 6443), true, 'where the published port leads to');
  for (const port of [2379, 2380]) assert.equal(await answers(inside, port), false, `${port}`);
});

test('none of its processes is root or can become it', async () => {
  const read = 'for one in /proc/[0-9]*/status; do echo $(cat "$one"); done';
  const told = await compose('exec', '-T', 'browse', 'sh', '-c', read);
  const processes = told.split('\n').filter((line) => line.startsWith('Name:'));
  const names = processes.map((line) => /^Name:\s+(\S+)/.exec(line)?.[1]);
  assert.ok(
    ['etcd', 'kube-apiserver'].every((name) => names.includes(name)),
    names.join(),
  );
  for (const line of processes) {
    assert.match(line, new RegExp(`\\bUid:\\s+${USER}\\s+${USER}\\s+${USER}\\s+${USER}\\b`));
    assert.match(line, /\bNoNewPrivs:\s+1\b/);
    assert.match(line, /\bCapBnd:\s+0+(400)? /, 'nothing, or NET_BIND_SERVICE');
  }
  await refused(compose('exec', '-T', 'browse', 'sh', '-c', ': >/app/here')); // its root is read-only
});

test('a second one on a port that is taken fails, and leaves the first alone', async () => {
  const other = ['--project-name=other'];
  const message = await refused(compose(...other, 'up', '--detach'));
  assert.match(message, new RegExp(`${PORT}`));
  await compose(...other, 'down', '--volumes', '--timeout=1');
  assert.match(await kubectl('get', 'namespace', 'shop'), /^shop /m);
});

test('what is in the data is gone when it is stopped, and all of it ends', async () => {
  assert.match(await leftOver(), /snapshot\.db/);
  await compose('stop', 'browse');
  await ended();
  assert.equal(await leftOver(), '');
});

test('it ends by itself, and nobody has to come', async () => {
  await compose('down', '--volumes'); // with other settings Podman takes no container in the place of an old one
  await composeWith({ TTL: '1s' }, 'up', '--detach');
  await ended();
  const states = await compose('ps', '--all', '--format={{.Service}} {{.ExitCode}}');
  assert.match(states, /^browse 0$/m);
  assert.match(await compose('logs', 'browse'), /The time is over/);
  assert.equal(await leftOver(), '');
});

test('down --volumes leaves nothing', async () => {
  await compose('down', '--volumes');
  assert.equal(await site.podman('volume', 'ls', '--quiet'), '');
  assert.equal(await site.podman('ps', '--all', '--quiet'), '');
});

async function makeBackup(): Promise<void> {
  await using cluster = await startBackedUpCluster();
  const encrypting = `--encryption-provider-config=${settings['ENCRYPTION_CONFIG']}`;
  {
    await using api = await startApiServer({ etcd: cluster.cluster, extraArgs: [encrypting] });
    await api.kubectl('create', 'namespace', 'shop');
    const secret = ['generic', 'db', `--from-literal=password=${PASSWORD}`];
    await api.kubectl('--namespace=shop', 'create', 'secret', ...secret);
  }
  await cluster.backUp();
  await cp(cluster.root, settings['BACKUPS'] ?? '', { recursive: true });
  await chmod(scratch.path, 0o755);
  for (const path of await readdir(scratch.path, { recursive: true }))
    await chown(join(scratch.path, path), USER, USER);
}

async function browsing(): Promise<void> {
  for (const deadline = Date.now() + 120_000; ; await sleep(200)) {
    const log = await compose('logs', 'browse');
    if (/An API server answers/.test(log)) return;
    if (Date.now() > deadline) throw new Error(`it never answered:\n${await compose('logs')}`);
  }
}

async function ended(): Promise<void> {
  for (const deadline = Date.now() + 120_000; ; await sleep(200)) {
    if ((await compose('ps', '--quiet')).trim() === '') return;
    if (Date.now() > deadline) throw new Error(`it goes on: ${await compose('ps')}`);
  }
}

/** The names of what lies in the volume on the disk. */
async function leftOver(): Promise<string> {
  const format = '--format={{.Mountpoint}}';
  const folder = (await site.podman('volume', 'inspect', format, 'etcd-upkeep-browse_drill')).trim();
  return (await readdir(folder)).join(' ');
}

/** Whether somebody takes a connection there. */
async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(2_000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The addresses on which this network listens. */
async function listening(): Promise<string[]> {
  const told = await runProgram('ss', ['--no-header', '--listening', '--tcp', '--numeric']);
  return Array.from(told.matchAll(/^LISTEN +\S+ +\S+ +(\S+)/gm), ([, address = '']) => address);
}
