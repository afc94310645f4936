import { ConfigurationError } from './problems.ts';
import { type Environment, variablesOf } from './variables.ts';

/** What the pod of a scratch API server is told of itself. */
export interface PodSettings {
  /** what the command `apiserver` wrote */
  readonly kubeconfig: string;
  /** Undefined where it is no pod of Kubernetes. */
  readonly pod?: { readonly name: string; readonly namespace: string } | undefined;
}

/** @throws ConfigurationError */
export function loadPodSettings(env: Environment): PodSettings {
  const vars = variablesOf(env);
  const kubeconfig = vars.given('KUBECONFIG') ?? '';
  if (kubeconfig === '')
    vars.report('KUBECONFIG', 'is not set; it should be the kubeconfig that the command apiserver wrote');
  const name = vars.given('POD_NAME');
  const namespace = vars.given('POD_NAMESPACE') ?? 'default';
  if (vars.problems.length > 0) throw new ConfigurationError(vars.problems);
  return { kubeconfig, ...(name !== undefined && { pod: { name, namespace } }) };
}
