import { loadPodSettings, type PodSettings } from '../config/config.ts';
import { Failure } from '../errors.ts';
import { type Api, NoAnswer } from '../kubernetes/api.ts';
import { DEFAULT_PORT } from '../kubernetes/server-files.ts';
import { pause } from '../util/abortable.ts';
import { formatDuration } from '../util/format.ts';
import { type ApiServer, logOf, openReady } from './scratch-api-server.ts';
import { FORWARDED_PORT, type InvocationOf } from './arguments.ts';
import type { CommandContext } from './context.ts';
import { type Receipt, readReceipt } from './fetch-receipt.ts';
import { line } from './output.ts';

const POLL_MS = 2000;

/**
 * Tells how to reach the API server over a restored backup, and keeps the pod until its time is over. Nobody has to come.
 * @returns the exit code
 */
export async function browse(
  { receipt, ttlMs, server: wait }: InvocationOf<'browse'>,
  { env, print, signal }: CommandContext,
): Promise<number> {
  const { kubeconfig, pod } = loadPodSettings(env);
  const server = { ...wait, kubeconfig };
  const fetched = await readReceipt(receipt, signal);
  using api = await openReady(server, signal, `what was restored from ${fetched.manifest.name}`);
  print(`${introduction(fetched, ttlMs)}${pod === undefined ? elsewhere() : inPod(pod)}`);
  await stay(api, server, ttlMs, signal);
  print(line('The time is over: this API server ends, and what it served goes with it.'));
  return 0;
}

function introduction({ manifest }: Receipt, ttlMs: number): string {
  const { name, cluster, revision, startedAt } = manifest;
  return [
    line(
      `An API server answers over ${name}: cluster ${cluster.name}, revision ${revision}, taken ${startedAt}.`,
    ),
    line(`It is read-only, and stays for ${formatDuration(ttlMs / 1000)}.`),
    '\n',
  ].join('');
}

/** In this order: the second stays in the foreground. */
function inPod({ name, namespace }: NonNullable<PodSettings['pod']>): string {
  const kubectl = `kubectl --namespace ${namespace}`;
  const file = `${name}.kubeconfig`;
  return [
    line(`  (umask 077; ${kubectl} exec ${name} --container browse -- etcd-upkeep kubeconfig > ${file})`),
    line(`  ${kubectl} port-forward pod/${name} ${FORWARDED_PORT}:${DEFAULT_PORT}`),
    line(`  kubectl --kubeconfig ${file} get namespaces    # in another terminal`),
    '\n',
    line(`Where port ${FORWARDED_PORT} is taken: kubeconfig --port N, and N in its place.`),
  ].join('');
}

const elsewhere = (): string =>
  line(
    'The command kubeconfig, run where this one runs, prints a kubeconfig for it; --port N says where it is found.',
  );

/**
 * kubelet starts a server again that ended: it has as long to come back as it had to come.
 * @throws Failure `backup` where it does not; what the signal says
 */
async function stay(api: Api, server: ApiServer, ttlMs: number, signal: AbortSignal): Promise<void> {
  const endsAt = performance.now() + ttlMs;
  let answeredAt = performance.now();
  for (let left = ttlMs; left > 0; left = endsAt - performance.now()) {
    await pause(Math.min(POLL_MS, left), signal);
    if (await answers(api)) answeredAt = performance.now();
    else if (performance.now() - answeredAt > server.timeoutMs)
      throw new Failure(
        'backup',
        `the API server has not answered for ${formatDuration(server.timeoutMs / 1000)}${await logOf(server, signal)}`,
      );
  }
}

async function answers(api: Api): Promise<boolean> {
  try {
    return (await api.ask('/readyz/ping')).status === 200;
  } catch (error) {
    if (error instanceof NoAnswer) return false;
    throw error;
  }
}
