/**
 * A minor version stands for its last patch; etcd 3.5.4 is one of those that must not be defragmented. Kubernetes'
 * programs are built from one repository, whose parts have to be of exactly one release.
 */
export type EtcdVersion = '3.4' | '3.5' | '3.5.4' | '3.6' | '3.7';
export type HelmVersion = '3.22' | '4.3';

export const KUBERNETES_VERSION = '1.36.3';
/** An API server from before 1.33 keeps the addresses of Services as one key instead of objects. */
export type KubernetesVersion = typeof KUBERNETES_VERSION | '1.32.13';

/** A program that the tests need, how it tells its version, and where it comes from. */
export interface Tool {
  name: string;
  /** `3.6` takes any 3.6.x. */
  version: string;
  /** The arguments that make it print its version. */
  ask: string[];
  /** The Go package that it is built from. */
  package: string;
  /** The Go variables that its version is written into, where a plain build leaves it out. */
  stamps?: string[];
  /** How long a build takes on two cores without Go's cache. */
  takes?: string;
  /** Built from a module in Kubernetes' own repository. */
  kubernetes?: boolean;
  /** Comes from this Debian package instead. */
  debian?: string;
  /** Built from this folder of the repository instead: `version` stands for what is in it. */
  folder?: string;
}

export function etcdTool(version: EtcdVersion): Tool {
  const debian = version === '3.4' ? { debian: 'etcd-server' } : {};
  const source = { package: 'go.etcd.io/etcd/server/v3', takes: '2 minutes' };
  return { name: 'etcd', version, ask: ['--version'], ...source, ...debian };
}

export function etcdctlTool(version: EtcdVersion): Tool {
  const debian = version === '3.4' ? { debian: 'etcd-client' } : {};
  return { name: 'etcdctl', version, ask: ['version'], package: 'go.etcd.io/etcd/etcdctl/v3', ...debian };
}

export function etcdutlTool(version: Exclude<EtcdVersion, '3.4'>): Tool {
  return { name: 'etcdutl', version, ask: ['version'], package: 'go.etcd.io/etcd/etcdutl/v3' };
}

export function helmTool(version: HelmVersion): Tool {
  const module = `helm.sh/helm/v${version.split('.')[0]}`;
  return {
    name: 'helm',
    version,
    ask: ['version'],
    package: `${module}/cmd/helm`,
    stamps: [`${module}/internal/version.version`],
    takes: '4 minutes',
  };
}

export const HELM_DOCS: Tool = {
  name: 'helm-docs',
  version: '1.14',
  ask: ['--version'],
  package: 'github.com/norwoodj/helm-docs/cmd/helm-docs',
  stamps: ['main.version'],
};

export const ACTIONLINT: Tool = {
  name: 'actionlint',
  version: '1.7',
  ask: ['-version'],
  package: 'github.com/rhysd/actionlint/cmd/actionlint',
  stamps: ['github.com/rhysd/actionlint.version'],
};

/** The S3 server of the tests, on a folder. */
export const VERSITYGW: Tool = {
  name: 'versitygw',
  version: '1.8',
  ask: ['--version'],
  package: 'github.com/versity/versitygw/cmd/versitygw',
  stamps: ['main.Version'],
  takes: '2 minutes',
};

/** Docker Compose as a program of its own; 5.0 leaves building images to others, and takes half the time to build. */
export const DOCKER_COMPOSE: Tool = {
  name: 'docker-compose',
  version: '5.0',
  ask: ['version'],
  package: 'github.com/docker/compose/v5/cmd',
  stamps: ['github.com/docker/compose/v5/internal.Version'],
  takes: '2 minutes',
};

/** Prometheus, its own checker, and its Pushgateway: Debian's, since they are no modules that Go could build. */
export const PROMETHEUS: Tool = {
  name: 'prometheus',
  version: '2.42',
  ask: ['--version'],
  package: '',
  debian: 'prometheus',
};
export const PROMTOOL: Tool = { ...PROMETHEUS, name: 'promtool' };
export const PUSHGATEWAY: Tool = {
  name: 'prometheus-pushgateway',
  version: '1.5',
  ask: ['--version'],
  package: '',
  debian: 'prometheus-pushgateway',
};

export function ageTool(name: 'age' | 'age-keygen'): Tool {
  const stamps = ['main.Version'];
  return { name, version: '1.3', ask: ['--version'], package: `filippo.io/age/cmd/${name}`, stamps };
}

export type KubernetesProgram =
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'kubectl';

export function kubernetesTool(
  name: KubernetesProgram,
  version: KubernetesVersion = KUBERNETES_VERSION,
): Tool {
  const [major, minor] = version.split('.');
  const variable = 'k8s.io/component-base/version';
  return {
    name,
    version,
    ask: name === 'kubectl' ? ['version', '--client'] : ['--version'],
    package: `k8s.io/kubernetes/cmd/${name}`,
    stamps: [`${variable}.gitVersion`, `${variable}.gitMajor=${major}`, `${variable}.gitMinor=${minor}`],
    takes: name === 'kube-apiserver' ? '5 minutes' : '1 minute',
    kubernetes: true,
  };
}
