import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  CHART,
  type Container,
  HELM_VERSIONS,
  type PodSpec,
  render,
  renderCronJob,
  type RenderOptions,
} from './chart.ts';
import { type DryRun, startDryRun } from './dry-run.ts';

/** A CA from a Secret or a ConfigMap of its own, for etcd and for the store, whatever the certificates come from. */

let dryRun: DryRun;
before(async () => {
  dryRun = await startDryRun();
});
after(() => dryRun[Symbol.asyncDispose]());

const EXTERNAL = join(CHART, 'ci/external-values.yaml');
const BUCKET = join(CHART, 'ci/s3-values.yaml');
const TRUST = { existingConfigMap: 'internal-ca' };
const NO_CLIENT = { cert: '', key: '' };
const DRILL = { enabled: true, ageIdentity: { existingSecret: 'backup-key' } };

const podOf = async (options: RenderOptions, component?: 'drill'): Promise<PodSpec> =>
  (await renderCronJob(options, component)).spec.jobTemplate.spec.template.spec;

const valueOf = ({ env = [] }: Partial<Container>, variable: string) =>
  env.find(({ name }) => name === variable)?.value;

/** What a container finds at a path: the volume behind it, without its name. */
function behind({ volumes = [] }: PodSpec, { volumeMounts = [] }: Container, path: string): unknown {
  const mount = volumeMounts.find(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`));
  assert.ok(mount?.readOnly, `nothing that is read-only at ${path}`);
  const { name, ...volume } = volumes.find((each) => each.name === mount.name) ?? assert.fail(mount.name);
  assert.equal(typeof name, 'string');
  return volume;
}

const configMap = (name: string, key: string) => ({
  configMap: { name, defaultMode: 0o444, items: [{ key, path: 'ca.crt' }] },
});
const secret = (secretName: string, key: string) => ({
  secret: { secretName, defaultMode: 0o444, items: [{ key, path: 'ca.crt' }] },
});
const hostFile = (path: string) => ({ hostPath: { path, type: 'File' } });

/** Values -> what lies behind the three files that etcd is reached with. */
const SHAPES: Record<string, [options: RenderOptions, ca: unknown, cert: unknown]> = {
  "the node's certificate, a CA from a ConfigMap": [
    { values: { etcd: { tls: { ca: TRUST } } } },
    configMap('internal-ca', 'ca.crt'),
    hostFile('/etc/kubernetes/pki/etcd/healthcheck-client.crt'),
  ],
  'a certificate of cert-manager, a CA of trust-manager': [
    { file: EXTERNAL, values: { etcd: { tls: { ca: { ...TRUST, key: 'bundle.pem' } } } } },
    configMap('internal-ca', 'bundle.pem'),
    {
      secret: {
        secretName: 'etcd-client',
        defaultMode: 0o444,
        items: [
          { key: 'tls.crt', path: 'client.crt' },
          { key: 'tls.key', path: 'client.key' },
        ],
      },
    },
  ],
  'a CA from a Secret, and no certificate': [
    { values: { hostNetwork: false, etcd: { tls: { ca: { existingSecret: 'ca' }, hostPath: NO_CLIENT } } } },
    secret('ca', 'ca.crt'),
    undefined,
  ],
  'a CA from a Secret, and none from the Secret that is named for the certificates': [
    {
      values: { etcd: { tls: { ca: { existingSecret: 'ca' }, existingSecret: 's', secretKeys: NO_CLIENT } } },
    },
    secret('ca', 'ca.crt'),
    undefined,
  ],
};

describe("etcd's CA", () => {
  for (const [what, [options, ca, cert]] of Object.entries(SHAPES)) {
    for (const helm of HELM_VERSIONS) {
      test(`${what}, helm ${helm}`, async () => {
        const pod = await podOf({ helm, ...options });
        const [run] = pod.containers;
        const at = (variable: string) => {
          const path = valueOf(run, variable);
          return path === undefined ? undefined : behind(pod, run, path);
        };
        assert.deepEqual(at('ETCDCTL_CACERT'), ca);
        assert.deepEqual(at('ETCDCTL_CERT'), cert);
        assert.equal(valueOf(run, 'ETCDCTL_KEY') === undefined, cert === undefined);
        const others = pod.volumes?.filter(({ name }) => /^(pki|etcd-)/.test(name)) ?? [];
        assert.equal(others.length, cert === undefined ? 1 : 'hostPath' in Object(cert) ? 3 : 2);
      });
    }

    test(`kube-apiserver takes ${what}`, async () => {
      assert.match(await dryRun.apply(options), /cronjob.batch\/etcd-upkeep created/);
    });
  }

  test('none of it in a drill, which asks an etcd of its own', async () => {
    const values = { etcd: { tls: { ca: TRUST } }, drill: { enabled: true } };
    assert.doesNotMatch(JSON.stringify(await podOf({ values }, 'drill')), /internal-ca|etcd-ca/);
  });
});

describe("the store's CA", () => {
  for (const [ca, volume] of [
    [TRUST, configMap('internal-ca', 'ca.crt')],
    [{ existingSecret: 'minio-tls', key: 'public.crt' }, secret('minio-tls', 'public.crt')],
  ] as const) {
    const options = { file: BUCKET, values: { backup: { s3: { ca } }, drill: DRILL } };

    test(`from a ${Object.keys(volume)[0]}: for the run, and in a drill for fetch alone`, async () => {
      const run = await podOf(options);
      const drill = await podOf(options, 'drill');
      const [fetch, ...others] = drill.initContainers ?? [];
      assert.ok(fetch);
      for (const [pod, container] of [
        [run, run.containers[0]],
        [drill, fetch],
      ] as const) {
        const path = valueOf(container, 'AWS_CA_BUNDLE') ?? assert.fail(container.name);
        assert.deepEqual(behind(pod, container, path), volume);
      }
      assert.doesNotMatch(JSON.stringify([...others, ...drill.containers]), /AWS_CA_BUNDLE|store-ca/);
    });

    test(`from a ${Object.keys(volume)[0]}: kube-apiserver takes it`, async () => {
      assert.match(await dryRun.apply(options), /cronjob.batch\/etcd-upkeep-drill created/);
    });
  }

  test('extraEnv names another file', async () => {
    const bundle = { name: 'AWS_CA_BUNDLE', value: '/mine/ca.crt' };
    const values = { backup: { s3: { ca: TRUST } }, drill: DRILL, extraEnv: [bundle] };
    const run = await podOf({ file: BUCKET, values });
    const drill = await podOf({ file: BUCKET, values }, 'drill');
    for (const { env } of [run.containers[0], drill.initContainers?.[0] ?? assert.fail()]) {
      assert.deepEqual(
        env.filter(({ name }) => name === bundle.name),
        [bundle],
      );
    }
  });
});

const BOTH = { existingSecret: 'a', existingConfigMap: 'b' };
const REFUSED: Record<string, [values: object, message: RegExp]> = {
  'a CA of etcd from two places': [
    { etcd: { tls: { ca: BOTH } } },
    /\/etcd\/tls\/ca\/existingConfigMap': value must be 'empty where existingSecret is set/,
  ],
  'a CA of the store from two places': [
    { backup: { s3: { ca: BOTH } } },
    /\/backup\/s3\/ca\/existingConfigMap': value must be 'empty where existingSecret is set/,
  ],
  'a CA without TLS': [
    { etcd: { tls: { enabled: false, ca: TRUST } } },
    /\/etcd\/tls\/enabled': value must be 'true where tls\.ca names a CA/,
  ],
};

for (const helm of HELM_VERSIONS) {
  for (const [what, [values, message]] of Object.entries(REFUSED)) {
    test(`helm ${helm} refuses ${what}`, () => assert.rejects(render({ helm, values }), { message }));
  }
}
