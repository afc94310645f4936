import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HELM_VERSIONS, type PodSpec, renderCronJob, renderPods, type RenderOptions } from './chart.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const MIRROR = 'mirror.example:5000';

/** The pods of a run and of a drill. */
async function podsOf({ values, ...options }: RenderOptions): Promise<PodSpec[]> {
  const { run, drill } = await renderPods({ ...options, values: { drill: { enabled: true }, ...values } });
  return [run, drill];
}

async function imagesOf(options: RenderOptions): Promise<string[]> {
  const containers = (await podsOf(options)).flatMap((pod) => [
    ...(pod.initContainers ?? []),
    ...pod.containers,
  ]);
  return [...new Set(containers.map(({ image }) => image))];
}

/** An image of the values -> the one from the mirror. */
const MIRRORED: Record<string, string> = {
  'quay.io/coreos/etcd:v3.6.16': `${MIRROR}/coreos/etcd:v3.6.16`,
  [`quay.io/coreos/etcd@${DIGEST}`]: `${MIRROR}/coreos/etcd@${DIGEST}`,
  [`quay.io/coreos/etcd:v3.6.16@${DIGEST}`]: `${MIRROR}/coreos/etcd:v3.6.16@${DIGEST}`,
  'registry:5000/etcd:v3.6.16': `${MIRROR}/etcd:v3.6.16`,
  'localhost/etcd:v3.6.16': `${MIRROR}/etcd:v3.6.16`,
  'coreos/etcd:v3.6.16': `${MIRROR}/coreos/etcd:v3.6.16`,
  'etcd:v3.6.16': `${MIRROR}/etcd:v3.6.16`,
  [`etcd@${DIGEST}`]: `${MIRROR}/etcd@${DIGEST}`,
};

for (const helm of HELM_VERSIONS) {
  describe(`with helm ${helm}`, { concurrency: 2 }, () => {
    test('no registry for all: images come from where they are', async () => {
      const standard = ['ghcr.io/etcd-upkeep/etcd-upkeep:0.1.0', 'quay.io/coreos/etcd:v3.6.16'];
      assert.deepEqual(await imagesOf({ helm }), standard);
      for (const imageRegistry of ['', null]) {
        assert.deepEqual(await imagesOf({ helm, values: { global: { imageRegistry } } }), standard);
      }
    });

    test('a registry for all takes the place of that of each image', async () => {
      for (const [image, mirrored] of Object.entries(MIRRORED)) {
        const values = { global: { imageRegistry: MIRROR }, drill: { enabled: true, image } };
        assert.deepEqual(await imagesOf({ helm, values }), [
          `${MIRROR}/etcd-upkeep/etcd-upkeep:0.1.0`,
          mirrored,
        ]);
      }
    });

    test('a registry with a path; an image with a digest and without a registry', async () => {
      const values = {
        global: { imageRegistry: `${MIRROR}/hub/`, storageClass: 'of another chart' },
        image: { repository: 'ops/etcd-upkeep', tag: 'ignored', digest: DIGEST },
      };
      const [image] = await imagesOf({ helm, values });
      assert.equal(image, `${MIRROR}/hub/ops/etcd-upkeep@${DIGEST}`);
    });

    test('Secrets to pull with: by name or as a reference, for one chart or for all, each once', async () => {
      const values = {
        imagePullSecrets: [{ name: 'mine' }, 'ours'],
        global: { imagePullSecrets: ['ours', { name: 'all' }, { name: 'mine' }, '', null] },
      };
      for (const pod of await podsOf({ helm, values })) {
        assert.deepEqual(pod['imagePullSecrets'], [{ name: 'mine' }, { name: 'ours' }, { name: 'all' }]);
      }
    });

    test('none of them: no list, which would be dropped again', async () => {
      for (const global of [null, {}, { imagePullSecrets: null }, { imagePullSecrets: [''] }]) {
        for (const pod of await podsOf({ helm, values: { global, imagePullSecrets: [] } })) {
          assert.ok(!('imagePullSecrets' in pod));
        }
      }
    });

    for (const [what, global, message] of [
      ['a scheme', { imageRegistry: 'https://mirror.example' }, /at '\/global\/imageRegistry': 'https:/],
      [
        'a Secret without a name',
        { imagePullSecrets: [{ nam: 'x' }] },
        /imagePullSecrets\/0': missing property 'name'/,
      ],
      [
        'a name that no Secret has',
        { imagePullSecrets: ['My Secret'] },
        /imagePullSecrets\/0': 'My Secret' does not/,
      ],
    ] as const) {
      test(`${what} is refused`, async () => {
        await assert.rejects(renderCronJob({ helm, values: { global } }), message);
      });
    }
  });
}
