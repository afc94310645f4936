import type { KeyPair } from '../pki.ts';

/** What an API server is told; files are paths as it sees them. */
export interface ApiServerSettings {
  /** How it reaches etcd. */
  etcd: { endpoints: string; tls?: { ca: string; cert: string; key: string } | undefined };
  /** The address that it listens on and tells others. */
  bind: string;
  advertise: string;
  port: string | number;
  /** The CA of its clients and of kubelets. */
  ca: string;
  /** What it shows to clients. */
  serving: KeyPair;
  /** What it signs the tokens of service accounts with. */
  tokens: KeyPair;
  /** What it shows to kubelets. */
  kubeletClient: KeyPair;
}

export function apiServerFlags(settings: ApiServerSettings): string[] {
  const { etcd, bind, advertise, port, ca, serving, tokens, kubeletClient } = settings;
  return [
    `--etcd-servers=${etcd.endpoints}`,
    ...(etcd.tls
      ? [`--etcd-cafile=${etcd.tls.ca}`, `--etcd-certfile=${etcd.tls.cert}`, `--etcd-keyfile=${etcd.tls.key}`]
      : []),
    `--bind-address=${bind}`,
    `--secure-port=${port}`,
    `--advertise-address=${advertise}`,
    '--endpoint-reconciler-type=none', // an address of loopback is no endpoint
    '--service-cluster-ip-range=10.96.0.0/24',
    `--client-ca-file=${ca}`,
    `--tls-cert-file=${serving.cert}`,
    `--tls-private-key-file=${serving.key}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${tokens.cert}`,
    `--service-account-signing-key-file=${tokens.key}`,
    `--kubelet-certificate-authority=${ca}`,
    `--kubelet-client-certificate=${kubeletClient.cert}`,
    `--kubelet-client-key=${kubeletClient.key}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
  ];
}

/** Beyond what every component is told: where it finds the API server, and where it listens. */
export interface ControllerManagerSettings {
  /** The key that signs the tokens of service accounts. */
  tokenKey: string;
  /** The CA that pods are told to trust the API server by. */
  ca: string;
}

export function controllerManagerFlags({ tokenKey, ca }: ControllerManagerSettings): string[] {
  return [
    `--service-account-private-key-file=${tokenKey}`,
    `--root-ca-file=${ca}`,
    '--use-service-account-credentials=true',
    '--kube-api-qps=300', // the defaults make a new cluster wait for its first service accounts
    '--kube-api-burst=600',
  ];
}
