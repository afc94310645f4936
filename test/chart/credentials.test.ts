import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { CHART, type Container, HELM_VERSIONS, render, renderPods, type RenderOptions } from './chart.ts';

/** Which container gets what it signs in with, and nothing that it does not need. */

const STATEFULSET = join(CHART, 'presets/statefulset.yaml');
const DRILL = { drill: { enabled: true } };

const fromSecret = (name: string, secret: string, key: string) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});
const PASSWORD = fromSecret('ETCDCTL_PASSWORD', 'etcd', 'etcd-root-password');
const ROOT = { name: 'ETCDCTL_USER', value: 'root' };
const AUTH = {
  username: 'root',
  existingSecret: 'etcd',
  secretKeys: { password: 'etcd-root-password' },
};

/** Every container of the run and of the drill, by its name. */
async function containersOf(options: RenderOptions): Promise<Map<string, Container>> {
  const { run, drill } = await renderPods(options);
  const all = [run, drill].flatMap(({ initContainers = [], containers }) => [
    ...initContainers,
    ...containers,
  ]);
  return new Map(all.map((container) => [container.name, container]));
}

/** A container without variables has no `env`. */
const signInOf = ({ env = [] }: Partial<Container>) =>
  env.filter(({ name }) => name === 'ETCDCTL_USER' || name === 'ETCDCTL_PASSWORD');

/** Who asks an etcd: the run and the drill. What the probe of the scratch etcd asks needs no password. */
const ASKS_ETCD = ['etcd-upkeep', 'drill'];

describe("etcd's user and password reach whoever asks an etcd, and nobody else", () => {
  const ways: Record<string, RenderOptions> = {
    'from etcd.auth': { values: { ...DRILL, etcd: { auth: AUTH } } },
    'from extraEnv': { values: { ...DRILL, extraEnv: [ROOT, PASSWORD] } },
    'in the preset of a StatefulSet': { file: STATEFULSET, values: DRILL },
  };
  for (const [way, options] of Object.entries(ways)) {
    for (const helm of HELM_VERSIONS) {
      test(`${way}, helm ${helm}`, async () => {
        for (const [name, container] of await containersOf({ helm, ...options })) {
          assert.deepEqual(signInOf(container), ASKS_ETCD.includes(name) ? [ROOT, PASSWORD] : [], name);
        }
      });
    }
  }

  test('the name from one place, the password from the other', async () => {
    const other = { name: 'ETCDCTL_USER', value: 'other' };
    const values = {
      ...DRILL,
      etcd: { auth: AUTH },
      extraEnv: [other, { name: 'LOG_LEVEL', value: 'debug' }],
    };
    const containers = await containersOf({ values });
    for (const name of ASKS_ETCD) {
      const found = signInOf(containers.get(name) ?? assert.fail(name));
      assert.deepEqual(new Set(found), new Set([PASSWORD, other]), name);
    }
    const named = (name: string) => containers.get(name)?.env.map((variable) => variable.name) ?? [];
    assert.ok(named('fetch').includes('LOG_LEVEL'));
    assert.equal(containers.get('etcd')?.env, undefined);
  });
});

test('a run takes the name of the preset and the password of its Secret', async () => {
  const run = (await containersOf({ file: STATEFULSET, values: DRILL })).get('etcd-upkeep');
  const env = run?.env.map(({ name, value = 'of the Secret' }) => [name, value]) ?? [];
  assert.deepEqual(loadConfig(Object.fromEntries(env)).etcd.credentials, {
    username: 'root',
    password: 'of the Secret',
  });
});

const REFUSED: Record<string, [values: object, message: RegExp]> = {
  'a name without a password': [
    { etcd: { auth: { username: 'root' } } },
    /\/etcd\/auth\/existingSecret': value must be 'the Secret with the password of username/,
  ],
  'a password behind the name': [
    { etcd: { auth: { ...AUTH, username: 'root:hunter2' } } },
    /\/etcd\/auth\/username': value must be 'the name alone/,
  ],
};

for (const helm of HELM_VERSIONS) {
  for (const [what, [values, message]] of Object.entries(REFUSED)) {
    test(`helm ${helm} refuses ${what}`, async () => {
      await assert.rejects(render({ helm, values }), ({ message: said }: Error) => {
        assert.match(said, message);
        assert.doesNotMatch(said, /hunter2/);
        return true;
      });
    });
  }

  test(`helm ${helm} takes a name whose password is in extraEnv`, async () => {
    await render({ helm, values: { etcd: { auth: { username: 'root' } }, extraEnv: [PASSWORD] } });
  });
}
