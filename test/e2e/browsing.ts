import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import type { Node } from '../support/kubernetes/node.ts';
import { endProcess, guardProcess } from '../support/process-guard.ts';
import { plainEnv, runProgram } from '../support/run-program.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { kubernetes } from '../support/tools.ts';
import { NAMESPACE, podsOf } from './release.ts';

/** What a person does to look into a backup. */

/** The Kubernetes API of a backup. */
export interface Yesterday extends AsyncDisposable {
  readonly pod: string;
  /** kubectl with the pod's kubeconfig. */
  kubectl(...args: string[]): Promise<string>;
}

const CRON_JOB = 'etcd-upkeep-browse';
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 250;

/** `kubectl create job`, with another backup than the latest where one is named. */
export async function createBrowse(node: Node, name: string, backup?: string): Promise<void> {
  const create = ['create', 'job', `--from=cronjob/${CRON_JOB}`, name];
  if (backup === undefined) {
    await node.kubectl('-n', NAMESPACE, ...create);
    return;
  }
  const script = `kubectl() { ${await kubernetes('kubectl')} -n ${NAMESPACE} "$@"; }
    kubectl ${create.join(' ')} --dry-run=client -o yaml |
      kubectl set env --local -f - -o yaml BACKUP=${backup} | kubectl create -f -`;
  await runProgram('sh', ['-c', script], { env: node.env });
}

/** Waits until the log says how it is reached, and does what that says. It ends what it forwards, not the pod. */
export async function reach(node: Node, job: string): Promise<Yesterday> {
  const pod = await readyPod(node, job);
  const own = (...args: string[]) => node.kubectl('-n', NAMESPACE, ...args);
  const port = await freePort();
  const kubeconfig = join(node.folder, `${pod}.kubeconfig`);
  const print = ['etcd-upkeep', 'kubeconfig', `--port=${port}`];
  await writeFile(kubeconfig, await own('exec', pod, '--container=browse', '--', ...print));
  const kubectl = await kubernetes('kubectl');
  const args = ['-n', NAMESPACE, 'port-forward', `pod/${pod}`, `${port}:6443`];
  const forward = spawn(kubectl, args, { env: node.env, stdio: ['ignore', 'pipe', 'inherit'] });
  guardProcess(forward);
  await new Promise((resolve) => forward.stdout.once('data', resolve));
  const env = plainEnv({ HOME: node.folder, KUBECONFIG: kubeconfig });
  return {
    pod,
    kubectl: (...more) => runProgram(kubectl, more, { env }),
    [Symbol.asyncDispose]: () => endProcess(forward, 'SIGKILL'),
  };
}

async function readyPod(node: Node, job: string): Promise<string> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const [pod] = await podsOf(node, job);
    const log = await node.kubectl('-n', NAMESPACE, 'logs', `job/${job}`, '-c=browse').catch(() => '');
    if (pod !== undefined && log.includes('port-forward')) return pod.name;
    if (pod?.phase === 'Failed') throw new Error(`the pod failed: ${JSON.stringify(pod.containers)}`);
    await sleep(POLL_MS);
  }
  const described = await node.kubectl('-n', NAMESPACE, 'describe', 'pods', `--selector=job-name=${job}`);
  throw new Error(`nothing can be browsed after ${READY_TIMEOUT_MS} ms\n${described}`);
}

/** Waits until restored databases lie on the node's disk, or none does: kubelet takes away what a pod had that has ended. */
export async function waitForData(node: Node, wanted: 'some' | 'none'): Promise<string[]> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const files = await filesBelow(join(node.folder, 'kubelet', 'root', 'pods'));
    const data = files.filter((file) => file.includes('/kubernetes.io~empty-dir/drill/'));
    if (data.length > 0 === (wanted === 'some')) return data;
    if (Date.now() > deadline) throw new Error(`there is not ${wanted} on the disk: ${data.join(', ')}`);
    await sleep(POLL_MS);
  }
}
