import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { type ScratchApiServer, startScratchApiServer } from '../support/kubernetes/scratch-apiserver.ts';
import { runJob } from '../support/run-job.ts';
import { plainEnv, runProgram } from '../support/run-program.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { kubernetes } from '../support/tools.ts';
import { startBackedUpCluster } from './backed-up-cluster.ts';
import { assertCommandEnded, assertCommandRefused, jsonOf, runCommand } from './run-command.ts';

/** browse and kubeconfig beside an API server as their pod has it; what it serves is drill's to test. */

const POD = { POD_NAME: 'yesterday-x7k2p', POD_NAMESPACE: 'kube-system' };

const stack = new AsyncDisposableStack();
let out: Scratch;
let receipt: string;
let server: ScratchApiServer;
let pod: Record<string, string>;

before(async () => {
  out = stack.use(await scratchFolder('browse'));
  receipt = join(out.path, 'receipt.json');
  const file = join(out.path, 'snapshot.db');
  {
    await using backedUp = await startBackedUpCluster();
    await backedUp.cluster.etcdctl('put', '/registry/nothing/here', 'yet');
    await backedUp.backUp();
    await jsonOf(['fetch', 'latest', file, '--receipt', receipt], backedUp.env);
  }
  server = stack.use(await startScratchApiServer({ etcd: stack.use(await restoreSnapshot(file)) }));
  pod = { ...POD, KUBECONFIG: server.kubeconfig };
});

after(() => stack.disposeAsync());

const browse = (...args: string[]) => [
  'browse',
  '--receipt',
  receipt,
  '--apiserver-log',
  server.logFile,
  ...args,
];

test('it tells how to reach the API server, and ends by itself though nobody came', async () => {
  const began = performance.now();
  const { stdout, stderr } = assertCommandEnded(await runCommand(browse('--ttl', '3s'), pod), 0);
  assert.ok(performance.now() - began >= 3000);
  assert.match(
    stdout,
    /^An API server answers over \S+-\d+\.db\.zst: cluster prod, revision \d+, taken \S+Z\.$/m,
  );
  assert.match(stdout, /^It is read-only, and stays for 3\.0 s\.$/m);
  assert.match(
    stdout,
    /exec yesterday-x7k2p --container browse -- etcd-upkeep kubeconfig > \S+\.kubeconfig\)$/m,
  );
  assert.match(stdout, /^ {2}kubectl --namespace kube-system port-forward pod\/yesterday-x7k2p 16443:6443$/m);
  assert.match(stdout, /^The time is over: /m);
  assert.equal(stderr, '');
  const { users } = JSON.parse(await readFile(server.kubeconfig, 'utf8'));
  assert.ok(!stdout.includes(users[0].user.token), 'no token in a log');
});

test('where it is no pod of Kubernetes, it names no kubectl that could not work', async () => {
  const { KUBECONFIG = '' } = pod;
  const { stdout } = assertCommandEnded(await runCommand(browse('--ttl', '10ms'), { KUBECONFIG }), 0);
  assert.match(stdout, /^The command kubeconfig, run where this one runs, prints a kubeconfig for it/m);
  assert.doesNotMatch(stdout, /kubectl/);
});

test('the printed kubeconfig is whole in itself, and named after the pod', async () => {
  const { port } = new URL(JSON.parse(await readFile(server.kubeconfig, 'utf8')).clusters[0].cluster.server);
  const { stdout } = assertCommandEnded(await runCommand(['kubeconfig', '--port', port], pod), 0);
  const file = join(out.path, 'elsewhere.kubeconfig');
  await writeFile(file, stdout);
  const env = plainEnv({ HOME: out.path, KUBECONFIG: file });
  const kubectl = await kubernetes('kubectl');
  const shown = await runProgram(kubectl, ['--context', POD.POD_NAME, 'get', 'namespaces', '-o=name'], {
    env,
  });
  assert.match(shown, /^namespace\/default$/m);
  const plain = JSON.parse(assertCommandEnded(await runCommand(['kubeconfig'], pod), 0).stdout);
  assert.equal(plain.clusters[0].cluster.server, 'https://127.0.0.1:16443');
});

test('what it is not told, or cannot use, is named', async () => {
  await assertCommandRefused(['kubeconfig'], {}, 2, /KUBECONFIG/);
  await assertCommandRefused(browse(), {}, 2, /KUBECONFIG/);
  await assertCommandRefused(['browse'], pod, 2, /browse needs --receipt/);
  await assertCommandRefused(browse('--ttl', '0s'), pod, 2, /--ttl "0s" should be a duration above zero/);
  await assertCommandRefused(
    ['kubeconfig', '--port', '65536'],
    pod,
    2,
    /--port "65536" should be a whole number/,
  );
  const file = join(out.path, 'other.conf');
  for (const text of [
    '',
    'clusters: []',
    '{}',
    '{"clusters":[{"cluster":{"server":"http://127.0.0.1:1"}}]}',
  ]) {
    await writeFile(file, text);
    await assertCommandRefused(
      ['kubeconfig'],
      { KUBECONFIG: file },
      2,
      /should be what the command apiserver wrote/,
    );
  }
});

test('an API server that has no certificate yet is waited for by browse, and told by kubeconfig', async () => {
  const folder = (await scratchFolder('apiserver-files')).path;
  assertCommandEnded(await runJob({}, { args: ['apiserver', folder, '--port', '1'] }), 0);
  const env = { KUBECONFIG: join(folder, 'kubeconfig') };
  await assertCommandRefused(['kubeconfig'], env, 2, /has no certificate yet .* wait until the log says/);
  await assertCommandRefused(
    browse('--apiserver-timeout', '1s'),
    env,
    4,
    /no API server came up over what was restored/,
  );
});

test('an API server that goes away ends it with the last words of its log', async () => {
  const running = runCommand(browse('--ttl', '10m', '--apiserver-timeout', '5s'), pod);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await server[Symbol.asyncDispose]();
  const { stderr } = assertCommandEnded(await running, 4);
  assert.match(stderr, /the API server has not answered for 5\.0 s; its log /);
});
