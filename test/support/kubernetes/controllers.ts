import { freePort } from '../ports.ts';
import { kubernetes } from '../tools.ts';
import type { ApiServer } from './apiserver.ts';
import { startComponent } from './component.ts';

/** Starts kube-controller-manager and kube-scheduler, and does not wait for them: what they do tells. */
export async function startControllers(api: ApiServer): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const own = async (name: string) => [
    `--kubeconfig=${await api.kubeconfigFor({ name, user: `system:${name}` })}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${await freePort()}`,
    '--leader-elect=false',
  ];
  const manager = 'kube-controller-manager';
  const more = [
    `--service-account-private-key-file=${api.tokenKey}`,
    `--root-ca-file=${api.authority.ca}`,
    '--use-service-account-credentials=true',
    '--kube-api-qps=300', // the defaults make a new cluster wait for its first service accounts
    '--kube-api-burst=600',
  ];
  stack.use(
    startComponent(manager, [await kubernetes(manager), ...(await own(manager)), ...more], api.folder),
  );
  const scheduler = 'kube-scheduler';
  stack.use(startComponent(scheduler, [await kubernetes(scheduler), ...(await own(scheduler))], api.folder));
  return stack.move();
}
