import { startCluster } from '../support/etcd-cluster.ts';
import { startApiServer } from '../support/kubernetes/apiserver.ts';
import { type RenderOptions, renderText } from './chart.ts';

/** A real kube-apiserver that says of what the chart makes whether it takes it. It keeps nothing. */
export interface DryRun extends AsyncDisposable {
  /** Strict about what it does not know, and throws at a warning too. */
  apply(options: RenderOptions): Promise<string>;
  /** As Flux and Argo CD apply: lists are merged by their keys. */
  applyOnServer(options: RenderOptions): Promise<string>;
}

export async function startDryRun(): Promise<DryRun> {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startApiServer({ etcd: stack.use(await startCluster()) }));
  const owned = stack.move();
  const apply = async (options: RenderOptions, ...how: string[]) =>
    api.kubectlWithInput(
      await renderText(options),
      'apply',
      '--dry-run=server',
      '--validate=strict',
      '--warnings-as-errors',
      '--filename=-',
      ...how,
    );
  return {
    apply: (options) => apply(options),
    applyOnServer: (options) => apply(options, '--server-side'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
