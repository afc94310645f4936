import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import https, { type Server } from 'node:https';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { type ScratchApiServer, startScratchApiServer } from '../support/kubernetes/scratch-apiserver.ts';
import { definitionOf, store } from '../support/kubernetes/stored-objects.ts';
import { type Authority, createAuthority } from '../support/pki.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { startBackedUpCluster } from './backed-up-cluster.ts';
import { fetchInto, type Restored } from './kubernetes-backups.ts';
import { assertCommandEnded, runCommand } from './run-command.ts';

const WIDGETS = definitionOf({
  group: 'example.com',
  plural: 'widgets',
  kind: 'Widget',
  converter: 'https://127.0.0.1:1/',
});

let out: Scratch;
let restored: Restored;
let authority: Authority;

before(async () => {
  out = await scratchFolder('out');
  await using backedUp = await startBackedUpCluster();
  const metadata = { name: 'one', namespace: 'default' };
  await store(backedUp.cluster, 'configmaps/default/one', { apiVersion: 'v1', kind: 'ConfigMap', metadata });
  await store(backedUp.cluster, ...WIDGETS);
  const widget = { apiVersion: 'example.com/v2', kind: 'Widget', metadata };
  await store(backedUp.cluster, 'example.com/widgets/default/one', widget);
  const { file, receipt } = await fetchInto(out.path, backedUp, await backedUp.backUp());
  restored = { etcd: await restoreSnapshot(file), receipt };
  authority = await createAuthority(join(out.path, 'pki'));
});

after(async () => {
  await restored?.etcd[Symbol.asyncDispose]();
  await out[Symbol.asyncDispose]();
});

/** A drill that fails of its API server. */
async function failedDrill(kubeconfig: string, ...args: string[]) {
  const command = ['drill', '--receipt', restored.receipt, '--kubeconfig', kubeconfig, ...args];
  const result = assertCommandEnded(await runCommand(command, restored.etcd.env), 4);
  assert.match(result.stdout, /keys at revision .* same/, 'what was found before is told');
  assert.doesNotMatch(result.stderr, /^ +at /m, 'no stack');
  const { stderr, seconds, peakRssBytes = 0 } = result;
  return { stderr, seconds, peakRssBytes };
}

const logged = (api: ScratchApiServer) => ['--apiserver-log', api.logFile, '--apiserver-timeout', '3s'];

test('one that ended, one whose etcd is gone, one that hangs: its last words, in time', async () => {
  await using api = await startScratchApiServer({ etcd: restored.etcd });
  api.signal('SIGSTOP');
  const hanging = await failedDrill(api.kubeconfig, ...logged(api));
  assert.match(
    hanging.stderr,
    /no API server came up over what was restored from \S+ within 3\.0 s: it does not answer; its log ends with: /,
  );
  api.signal('SIGKILL');
  // As etcd's client writes it, but for the length: what matters comes last.
  const line = { level: 'warn', target: 'x'.repeat(5_000), error: 'etcdserver: user name is empty' };
  await appendFile(api.logFile, `${JSON.stringify(line)}\n`);
  const ended = await failedDrill(api.kubeconfig, ...logged(api));
  assert.match(
    ended.stderr,
    /ECONNREFUSED.*its log ends with: .*\{"level":"warn",.{0,80}\.\.\..{0,300}"error":"etcdserver: user name is empty"\}$/m,
  );
  await using lonely = await startScratchApiServer({
    etcd: restored.etcd,
    without: ['etcd-servers'],
    extraArgs: ['--etcd-servers=http://127.0.0.1:1'],
    wait: false,
  });
  const alone = await failedDrill(lonely.kubeconfig, ...logged(lonely));
  assert.match(alone.stderr, /its log ends with: .*127\.0\.0\.1:1/);
  for (const { seconds } of [hanging, ended, alone]) assert.ok(seconds < 15, `${seconds} s`);
});

/** What calls itself an API server, and a kubeconfig that leads there. */
async function pretend(answer: RequestListener): Promise<{ server: Server; kubeconfig: string }> {
  const { cert, key } = await authority.server({ name: 'pretender' });
  const port = await freePort();
  const server = https.createServer({ cert: await readFile(cert), key: await readFile(key) }, answer);
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const kubeconfig = join(out.path, 'kubeconfig');
  const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority': authority.ca };
  const content = { clusters: [{ cluster }], users: [{ user: { token: 'x' } }] };
  await writeFile(kubeconfig, JSON.stringify(content));
  return { server, kubeconfig };
}

/** A Kubernetes with its core, and a definition that nothing comes of. */
const CORE: Record<string, object> = {
  '/apis/apiregistration.k8s.io/v1/apiservices': { kind: 'APIServiceList' },
  '/apis': { kind: 'APIGroupList' },
  '/api/v1': {
    kind: 'APIResourceList',
    resources: ['secrets', 'configmaps'].map((name) => ({ name, namespaced: true, verbs: ['list'] })),
  },
  '/api/v1/secrets': { kind: 'Table', rows: [] },
  '/api/v1/configmaps': { kind: 'Table', rows: [{}] },
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com': WIDGETS[1],
};

const SPACES = Buffer.alloc(65_536, ' ');
const ANSWERS: Record<string, [answer: RequestListener, words: RegExp]> = {
  garbage: [
    (_, response) => response.end('\u001b[31m{"kind":'),
    /could not be compared to the end: it answers \/apis\S+ with: something that is no APIServiceList/,
  ],
  'bytes without end': [
    ({ url }, response) => {
      if (url?.startsWith('/readyz')) return response.end('ok');
      const more = (): void => {
        while (response.write(SPACES));
      };
      response.on('drain', more);
      return more();
    },
    /could not be compared to the end: more than \d+ bytes came/,
  ],
  'a definition in force whose resource is not shown': [
    ({ url = '' }, response) => response.end(JSON.stringify(CORE[url.split('?')[0] ?? ''] ?? {})),
    /widgets\.example\.com: its CustomResourceDefinition is established, and it is not served\. /,
  ],
};

for (const [what, [answer, words]] of Object.entries(ANSWERS)) {
  test(`${what} ends the drill`, async () => {
    const { server, kubeconfig } = await pretend(answer);
    try {
      const { stderr, peakRssBytes } = await failedDrill(kubeconfig, '--apiserver-timeout', '3s');
      assert.match(stderr, words);
      assert.ok(peakRssBytes < 160 * 2 ** 20, `${peakRssBytes} bytes`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}
