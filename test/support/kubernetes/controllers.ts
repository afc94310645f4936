import { freePort } from '../free-port.ts';
import { kubernetes } from '../tools.ts';
import type { ApiServer } from './apiserver.ts';
import { startComponent } from './component.ts';
import { controllerManagerFlags } from './flags.ts';

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
  const more = controllerManagerFlags({ tokenKey: api.tokenKey, ca: api.authority.ca });
  stack.use(
    startComponent(manager, [await kubernetes(manager), ...(await own(manager)), ...more], api.folder),
  );
  const scheduler = 'kube-scheduler';
  stack.use(startComponent(scheduler, [await kubernetes(scheduler), ...(await own(scheduler))], api.folder));
  return stack.move();
}
