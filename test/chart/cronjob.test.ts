import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Manifest, render, renderCronJob, renderPod } from './chart.ts';
import { LINUX, ON_CONTROL_PLANE } from './nodes.ts';

/** Everything but the variables, which environment.test.ts looks at. */
async function specOf(values: object) {
  const { spec } = await renderCronJob({ values });
  for (const container of spec.jobTemplate.spec.template.spec.containers)
    Reflect.deleteProperty(container, 'env');
  return spec;
}

const NAMES = { 'app.kubernetes.io/name': 'etcd-upkeep', 'app.kubernetes.io/instance': 'etcd-upkeep' };
const LABELS = {
  'helm.sh/chart': 'etcd-upkeep-0.1.0',
  ...NAMES,
  'app.kubernetes.io/version': '0.1.0',
  'app.kubernetes.io/managed-by': 'Helm',
};
const POD_FAILURE_POLICY = {
  rules: [
    { action: 'FailJob', onExitCodes: { containerName: 'etcd-upkeep', operator: 'In', values: [2, 5, 6] } },
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
  ],
};
const RESTRICTED = {
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
};

function hostFile(name: string, path: string): object {
  return { name, hostPath: { path, type: 'File' } };
}

function mounted(name: string, mountPath: string): object {
  return { name, mountPath, readOnly: true };
}

test('by default: a control plane pod with no rights but root to read the keys', async () => {
  assert.deepEqual(await specOf({ schedule: '1 2 * * *' }), {
    schedule: '1 2 * * *',
    timeZone: 'Etc/UTC',
    suspend: false,
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: 7200,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 3,
    jobTemplate: {
      metadata: { labels: LABELS },
      spec: {
        backoffLimit: 3,
        // four tries of 15 minutes and the backup's 30; five members' compaction, defragmentation and wait
        activeDeadlineSeconds: 4 * (900 + 1800) + 5 * (600 + 600 + 10) + 2 * 600,
        podFailurePolicy: POD_FAILURE_POLICY,
        template: {
          metadata: { labels: LABELS },
          spec: {
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: 60,
            serviceAccountName: 'etcd-upkeep',
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            hostNetwork: true,
            priorityClassName: 'system-cluster-critical',
            nodeSelector: LINUX,
            ...ON_CONTROL_PLANE,
            securityContext: {
              runAsUser: 0,
              runAsGroup: 0,
              fsGroupChangePolicy: 'OnRootMismatch',
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [
              {
                name: 'etcd-upkeep',
                image: 'ghcr.io/etcd-upkeep/etcd-upkeep:0.1.0',
                imagePullPolicy: 'IfNotPresent',
                securityContext: RESTRICTED,
                resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '384Mi' } },
                terminationMessagePolicy: 'FallbackToLogsOnError',
                volumeMounts: [
                  mounted('etcd-ca', '/pki/ca.crt'),
                  mounted('etcd-cert', '/pki/client.crt'),
                  mounted('etcd-key', '/pki/client.key'),
                  { name: 'backups', mountPath: '/backups' },
                ],
              },
            ],
            volumes: [
              hostFile('etcd-ca', '/etc/kubernetes/pki/etcd/ca.crt'),
              hostFile('etcd-cert', '/etc/kubernetes/pki/etcd/healthcheck-client.crt'),
              hostFile('etcd-key', '/etc/kubernetes/pki/etcd/healthcheck-client.key'),
              { name: 'backups', hostPath: { path: '/var/backups/etcd-upkeep', type: 'DirectoryOrCreate' } },
            ],
          },
        },
      },
    },
  });
});

test('with every value set: all of it arrives', async () => {
  const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } };
  const spec = await specOf({
    schedule: '@daily',
    timeZone: 'Asia/Kolkata',
    suspend: true,
    startingDeadlineSeconds: 100,
    activeDeadlineSeconds: 10_000,
    backoffLimit: 0,
    successfulJobsHistoryLimit: 0,
    failedJobsHistoryLimit: 9,
    terminationGracePeriodSeconds: 30,
    image: { repository: 'r', tag: 't', digest: `sha256:${'0'.repeat(64)}`, pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'pull' }],
    etcd: { tls: { existingSecret: '1e3', secretKeys: { cacert: 'a', cert: 'b', key: 'c' } } },
    backup: {
      store: 'file:///elsewhere',
      persistence: { enabled: true, existingClaim: 'mine' },
    },
    extraVolumes: [{ name: 'more', emptyDir: {} }],
    extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
    hostNetwork: false,
    dnsPolicy: 'Default',
    nodeSelector: { disk: 'ssd' },
    tolerations: [{ operator: 'Exists' }],
    affinity,
    priorityClassName: '',
    podSecurityContext: { runAsUser: 1_000_650_000, runAsGroup: 1, fsGroup: 2 },
    securityContext: { privileged: false },
    resources: { limits: { cpu: 2 } },
    podAnnotations: { a: 'b' },
    podLabels: { team: 'etcd', 'app.kubernetes.io/name': 'not-mine-to-change' },
    serviceAccount: { create: false },
  });
  assert.deepEqual(spec, {
    schedule: '@daily',
    timeZone: 'Asia/Kolkata',
    suspend: true,
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: 100,
    successfulJobsHistoryLimit: 0,
    failedJobsHistoryLimit: 9,
    jobTemplate: {
      metadata: { labels: LABELS },
      spec: {
        backoffLimit: 0,
        activeDeadlineSeconds: 10_000,
        podFailurePolicy: POD_FAILURE_POLICY,
        template: {
          metadata: { labels: { ...LABELS, team: 'etcd' }, annotations: { a: 'b' } },
          spec: {
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: 30,
            serviceAccountName: 'default',
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            hostNetwork: false,
            dnsPolicy: 'Default',
            imagePullSecrets: [{ name: 'pull' }],
            nodeSelector: { ...LINUX, disk: 'ssd' },
            tolerations: [{ operator: 'Exists' }],
            affinity,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 1_000_650_000,
              runAsGroup: 1,
              fsGroup: 2,
              fsGroupChangePolicy: 'OnRootMismatch',
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [
              {
                name: 'etcd-upkeep',
                image: `r@sha256:${'0'.repeat(64)}`,
                imagePullPolicy: 'Always',
                securityContext: { ...RESTRICTED, privileged: false },
                resources: {
                  requests: { cpu: '100m', memory: '192Mi' },
                  limits: { cpu: 2, memory: '384Mi' },
                },
                terminationMessagePolicy: 'FallbackToLogsOnError',
                volumeMounts: [
                  mounted('pki', '/pki'),
                  { name: 'backups', mountPath: '/elsewhere' },
                  { name: 'more', mountPath: '/more' },
                ],
              },
            ],
            volumes: [
              {
                name: 'pki',
                secret: {
                  secretName: '1e3',
                  defaultMode: 0o444,
                  items: [
                    { key: 'a', path: 'ca.crt' },
                    { key: 'b', path: 'client.crt' },
                    { key: 'c', path: 'client.key' },
                  ],
                },
              },
              { name: 'backups', persistentVolumeClaim: { claimName: 'mine' } },
              { name: 'more', emptyDir: {} },
            ],
          },
        },
      },
    },
  });
});

test('text stays text, whatever YAML would make of it', async () => {
  const hostPath = '/srv/etcd #1: a';
  const { volumes } = await renderPod({ values: { clusterName: '0123', backup: { hostPath } } });
  assert.deepEqual(volumes?.at(-1), {
    name: 'backups',
    hostPath: { path: hostPath, type: 'DirectoryOrCreate' },
  });
  const manifests = await render({ release: '123' });
  assert.equal(manifests[0]?.metadata.labels['app.kubernetes.io/instance'], '123');
});

test('a claim: kept when the release goes, of the class and size that were asked for', async () => {
  const standard = await claimOf({});
  assert.deepEqual(standard?.metadata.annotations, { 'helm.sh/resource-policy': 'keep' });
  assert.deepEqual(standard?.spec, {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '20Gi' } },
  });
  const own = await claimOf({
    storageClass: 'fast',
    size: '1Ti',
    accessModes: ['ReadWriteMany'],
    annotations: { a: 'b' },
  });
  assert.deepEqual(own?.metadata.annotations, { a: 'b', 'helm.sh/resource-policy': 'keep' });
  assert.deepEqual(own?.spec, {
    accessModes: ['ReadWriteMany'],
    storageClassName: 'fast',
    resources: { requests: { storage: '1Ti' } },
  });
  const byHand = await claimOf({ storageClass: '-' });
  assert.ok(byHand && 'storageClassName' in byHand.spec && byHand.spec.storageClassName === '');
});

test('a service account: without a token, with the annotations that were asked for', async () => {
  const annotations = { 'eks.amazonaws.com/role-arn': 'arn' };
  const account = kindOf(await render({ values: { serviceAccount: { annotations } } }), 'ServiceAccount');
  assert.deepEqual(account?.metadata.annotations, annotations);
  assert.ok(
    account && 'automountServiceAccountToken' in account && account.automountServiceAccountToken === false,
  );
});

function kindOf(manifests: Manifest[], kind: string): Manifest | undefined {
  return manifests.find((manifest) => manifest.kind === kind);
}

async function claimOf(persistence: object): Promise<Manifest | undefined> {
  const values = { backup: { persistence: { enabled: true, ...persistence } } };
  return kindOf(await render({ values }), 'PersistentVolumeClaim');
}
