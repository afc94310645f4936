import { loadPodSettings } from '../config/config.ts';
import { Failure, isBug, messageOf } from '../errors.ts';
import { kubeconfigOf, readFile, readKubeconfig } from '../kubernetes/kubeconfig.ts';
import type { InvocationOf } from './arguments.ts';
import type { CommandContext } from './context.ts';
import { formatJson } from './output.ts';

/** What it is called where no pod has a name: the only one of its kind. */
const NAME = 'etcd-upkeep-browse';

/**
 * Prints a kubeconfig that is whole in itself, for a kubectl elsewhere that reaches the API server by a forwarded port.
 * Its cluster, user and context are named after the pod, so that two of them can be merged. @returns the exit code
 */
export async function printKubeconfig(
  { port }: InvocationOf<'kubeconfig'>,
  { env, print, signal }: CommandContext,
): Promise<number> {
  const { kubeconfig, pod } = loadPodSettings(env);
  const { caFile, token } = await readKubeconfig(kubeconfig, signal);
  const authority = {
    'certificate-authority-data': (await readCertificate(caFile, signal)).toString('base64'),
  };
  print(formatJson(kubeconfigOf(pod?.name ?? NAME, `https://127.0.0.1:${port}`, authority, token)));
  return 0;
}

async function readCertificate(path: string, signal: AbortSignal): Promise<Buffer> {
  try {
    return await readFile(path, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (isBug(error)) throw error;
    const message = `the API server has no certificate yet (${messageOf(error)}): wait until the log says that it answers`;
    throw new Failure('configuration', message, { cause: error });
  }
}
