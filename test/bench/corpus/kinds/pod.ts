import type { Random } from '../../../support/random.ts';
import type { Json } from '../api.ts';
import { image, labels, many, name, suffix, uid, word } from '../text.ts';

/** A pod as a controller creates it, from the template of its workload. */
export function podOf(random: Random, pod: string, app: string): Json {
  const replicaSet = pod.replace(/-[^-]+$/, '');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod,
      labels: { ...labels(app), 'pod-template-hash': replicaSet.split('-').at(-1) },
      annotations: {
        'checksum/config': uid(random),
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': '9090',
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: replicaSet,
          uid: uid(random),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: podSpec(random, app),
  };
}

export function podSpec(random: Random, app: string): Json {
  return {
    containers: [container(random, app), container(random, 'proxy')],
    initContainers: [
      {
        name: 'migrate',
        image: image(random),
        command: ['/bin/sh', '-c', `exec /app/${app} migrate --wait`],
      },
    ],
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: {
              labelSelector: { matchLabels: labels(app) },
              topologyKey: 'topology.kubernetes.io/zone',
            },
          },
        ],
      },
    },
    securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 },
    serviceAccountName: 'default',
    terminationGracePeriodSeconds: 30,
    volumes: [
      { name: 'config', configMap: { name: `${app}-config` } },
      { name: 'tmp', emptyDir: {} },
      { name: 'tls', secret: { secretName: `${app}-tls` } },
    ],
  };
}

function container(random: Random, own: string): Json {
  return {
    name: own,
    image: image(random),
    args: ['--config=/etc/app/config.yaml', `--log-level=${random.pick(['info', 'debug', 'warn'])}`],
    env: [
      ...many(8, (index) => ({
        name: `${word(random)}_${word(random)}_${index}`.toUpperCase(),
        value: `http://${name(random)}.${word(random)}.svc:8080/${suffix(random)}`,
      })),
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: `${own}-credentials`, key: 'password' } } },
    ],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'metrics', containerPort: 9090 },
    ],
    livenessProbe: probe('/healthz'),
    readinessProbe: probe('/readyz'),
    resources: {
      requests: { cpu: `${50 + random.below(900)}m`, memory: '256Mi' },
      limits: { memory: '1Gi' },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/app' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

const probe = (path: string): Json => ({
  httpGet: { path, port: 'http', scheme: 'HTTP' },
  initialDelaySeconds: 5,
  periodSeconds: 10,
  timeoutSeconds: 2,
});
