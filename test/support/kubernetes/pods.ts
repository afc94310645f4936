import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from './apiserver.ts';

type Kubectl = Pick<ApiServer, 'kubectl' | 'kubectlWithInput'>;

/** How a pod of one container ended. */
export interface PodEnd {
  phase: 'Succeeded' | 'Failed';
  exitCode: number;
  /** The termination message. */
  message: string;
  log: string;
}

const TIMEOUT_MS = 120_000;
const POLL_MS = 200;

/** Creates or changes objects. */
export async function apply(api: Kubectl, ...objects: object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await api.kubectlWithInput(JSON.stringify(list), 'apply', '--filename=-');
}

/** Waits until the pod has ended. Throws with what `kubectl describe` shows when that takes over two minutes. */
export async function podEnd(api: Kubectl, namespace: string, name: string): Promise<PodEnd> {
  const ask = (...args: string[]) => api.kubectl(`--namespace=${namespace}`, ...args);
  const deadline = Date.now() + TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { status }: PodAnswer = JSON.parse(await ask('get', 'pod', name, '--output=json'));
    const { phase, containerStatuses } = status;
    const terminated = containerStatuses?.[0]?.state.terminated;
    if ((phase === 'Succeeded' || phase === 'Failed') && terminated !== undefined) {
      const { exitCode, message = '' } = terminated;
      return { phase, exitCode, message, log: await ask('logs', name) };
    }
    await sleep(POLL_MS);
  }
  throw new Error(
    `${namespace}/${name} did not end within ${TIMEOUT_MS} ms\n${await ask('describe', 'pod', name)}`,
  );
}

/** The part of a pod that is read. */
interface PodAnswer {
  status: {
    phase: string;
    containerStatuses?: { state: { terminated?: { exitCode: number; message?: string } } }[];
  };
}
