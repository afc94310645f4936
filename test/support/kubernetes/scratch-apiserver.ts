import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import https from 'node:https';
import { dirname, join } from 'node:path';
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

/** Starts kube-apiserver over a restored etcd, with the pod's flags and the files of the job's own command. */
export async function startScratchApiServer(options: ScratchApiServerOptions): Promise<ScratchApiServer> {
  const { etcd, version, encryption, extraArgs = [], without = [], wait = true } = options;
  await using stack = new AsyncDisposableStack();
  const { path: scratch } = stack.use(await scratchFolder('scratch-apiserver'));
  const folder = join(scratch, 'apiserver');
  await mkdir(folder);
  const port = await freePort();
  await writeFiles(folder, port, encryption);
  const flags = flagsFor(folder, port, etcd.endpoints).filter((flag) => !without.includes(nameOf(flag)));
  if (encryption !== undefined) flags.push(`--encryption-provider-config=${join(folder, 'encryption.json')}`);
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

function flagsFor(folder: string, port: number, etcd: string): string[] {
  return [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${folder}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${folder}/service-account.pub`,
    `--service-account-signing-key-file=${folder}/service-account.key`,
    `--token-auth-file=${folder}/tokens.csv`,
    '--authorization-mode=ABAC',
    `--authorization-policy-file=${folder}/policy.jsonl`,
    '--anonymous-auth=false',
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.96.0.0/12',
    '--etcd-compaction-interval=0',
    '--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook',
    `--egress-selector-config-file=${folder}/egress-selector.json`,
    '--enable-priority-and-fairness=false',
    '--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false',
  ];
}
