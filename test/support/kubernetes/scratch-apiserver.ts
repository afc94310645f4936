import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import https from 'node:https';
import { dirname, join } from 'node:path';
import { renderPods } from '../../chart/chart.ts';
import type { Cluster } from '../cluster-handle.ts';
import { freePort } from '../free-port.ts';
import { runJob } from '../run-job.ts';
import { plainEnv, runProgram, SHORT_LIVED } from '../run-program.ts';
import { scratchFolder } from '../scratch-folder.ts';
import { type KubernetesVersion, kubernetes } from '../tools.ts';
import { type Command, type Component, startComponent } from './component.ts';

export interface ScratchApiServerOptions {
  /** A restored etcd; it must outlive the API server. */
  etcd: Cluster;
  version?: KubernetesVersion;
  /** The file that Secrets were encrypted by. */
  encryption?: string;
  /** Flags that come last. */
  extraArgs?: string[];
  /** Names of flags that are left out, to see what comes without them. */
  without?: string[];
  /** `false`: returns once the process runs, for one that never gets ready. */
  wait?: boolean;
}

/** kube-apiserver as the drill's pod runs it. */
export interface ScratchApiServer extends Pick<Component, 'log' | 'signal'>, AsyncDisposable {
  /** What the pod has at /apiserver. */
  readonly folder: string;
  readonly kubeconfig: string;
  readonly logFile: string;
  /** kubectl with that kubeconfig; its stdout. Throws with its stderr. */
  kubectl(...args: string[]): Promise<string>;
  /** A request with the kubeconfig's token; the answer's status. */
  send(method: string, path: string, headers?: Record<string, string>): Promise<number>;
}

/** What `drill` waits for: with a wrong key the rest never comes. */
const READY = '/readyz?exclude=informer-sync&exclude=poststarthook/storage-readiness';
const KUBECTL_TIMEOUT_MS = 60_000;

/** Starts kube-apiserver over a restored etcd, with the flags of the chart and the files of the job's own command. */
export async function startScratchApiServer(options: ScratchApiServerOptions): Promise<ScratchApiServer> {
  const { etcd, version, encryption, extraArgs = [], without = [], wait = true } = options;
  await using stack = new AsyncDisposableStack();
  const { path: scratch } = stack.use(await scratchFolder('scratch-apiserver'));
  const folder = join(scratch, 'apiserver');
  await mkdir(folder);
  const port = await freePort();
  await writeFiles(folder, port, encryption);
  const all = await flagsFor(folder, port, etcd, encryption !== undefined);
  const flags = all.filter((flag) => !without.includes(nameOf(flag)));
  const command: Command = [await kubernetes('kube-apiserver', version), ...flags, ...extraArgs];
  const component = stack.use(startComponent('kube-apiserver', command, scratch));

  const kubeconfig = join(folder, 'kubeconfig');
  const env = plainEnv({ ...SHORT_LIVED, HOME: scratch, KUBECONFIG: kubeconfig });
  const kubectl = await kubernetes('kubectl');
  const run = (...args: string[]) => runProgram(kubectl, args, { env, timeoutMs: KUBECTL_TIMEOUT_MS });
  if (wait) await component.waitUntil('ready', async () => (await run('get', '--raw', READY)) === 'ok');
  const owned = stack.move();
  return {
    folder,
    kubeconfig,
    logFile: component.logFile,
    log: (lines) => component.log(lines),
    signal: (which) => component.signal(which),
    kubectl: run,
    send: (method, path, headers) => sendWith(kubeconfig, { method, path, headers }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string> | undefined;
}

/** Its body is an object without anything in it. */
async function sendWith(kubeconfig: string, { method, path, headers }: Sent): Promise<number> {
  const { clusters, users } = JSON.parse(await readFile(kubeconfig, 'utf8'));
  const ca = await readFile(join(dirname(kubeconfig), clusters[0].cluster['certificate-authority']));
  const authorization = `Bearer ${users[0].user.token}`;
  const call = https.request(new URL(path, clusters[0].cluster.server), {
    method,
    ca,
    agent: false,
    headers: { authorization, 'content-type': 'application/json', ...headers },
  });
  return new Promise((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.end('{}');
  });
}

async function writeFiles(folder: string, port: number, encryption: string | undefined): Promise<void> {
  const encrypted = encryption === undefined ? [] : ['--encryption-provider-config', encryption];
  const result = await runJob({}, { args: ['apiserver', folder, '--port', String(port), ...encrypted] });
  assert.equal(result.code, 0, result.stderr);
}

const nameOf = (flag: string): string => flag.replace(/^--/, '').replace(/=.*/, '');

/** Those of the chart, with this server's own folder and addresses. */
async function flagsFor(folder: string, port: number, { endpoints }: Cluster, encrypted: boolean) {
  const secret = encrypted ? { encryptionConfig: { existingSecret: 'keys' } } : {};
  const { drill } = await renderPods({
    values: { drill: { enabled: true, kubernetes: { enabled: true, ...secret } } },
  });
  const container = drill.initContainers?.find(({ name }) => name === 'kube-apiserver');
  assert.ok(Array.isArray(container?.command), 'the pod has a kube-apiserver');
  const command = container.command.map(String);
  const flags = command.slice(command.indexOf('/usr/local/bin/kube-apiserver') + 1);
  const own = { 'etcd-servers': endpoints, 'secure-port': String(port) };
  return flags.map((flag) => {
    const found = Object.entries(own).find(([name]) => name === nameOf(flag));
    return found ? `--${found[0]}=${found[1]}` : flag.replace(/=\/apiserver(?=\/|$)/, `=${folder}`);
  });
}
