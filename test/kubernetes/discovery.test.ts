import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Api } from '../../src/kubernetes/api.ts';
import { discover } from '../../src/kubernetes/discovery.ts';

/** A server that says what no real one can be made to say; paths without an answer are not found. */
function serverOf(answers: Record<string, unknown>): Api {
  const get = (path: string): Promise<Answer> => {
    const body = answers[path.split('?')[0] ?? ''];
    return Promise.resolve(
      body === undefined
        ? { status: 404, body: undefined, message: '404 page not found' }
        : { status: 200, body, message: '' },
    );
  };
  return { server: 'https://127.0.0.1:1', ask: get, get, [Symbol.dispose]: () => undefined };
}

const resource = (name: string, verbs = ['get', 'list'], namespaced = true) => ({ name, namespaced, verbs });
const list = (...resources: object[]) => ({ kind: 'APIResourceList', resources });
const group = (name: string, preferred: string, ...others: string[]) => ({
  name,
  preferredVersion: { version: preferred },
  versions: [...others, preferred].map((version) => ({ version })),
});
const groups = (...all: object[]) => ({ kind: 'APIGroupList', groups: all });

const SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
const PLAIN = {
  [SERVICES]: { kind: 'APIServiceList', items: [{ metadata: { name: 'v1.' }, spec: { version: 'v1' } }] },
  '/apis': groups(),
  '/api/v1': list(resource('secrets')),
};

test('each resource that can be listed, once, in the preferred version of its group or the first that has it', async () => {
  const { resources, unanswered } = await discover(
    serverOf({
      ...PLAIN,
      '/api/v1': list(
        resource('secrets'),
        resource('nodes', ['list'], false),
        resource('pods/log'),
        resource('bindings', ['create']),
        resource('componentstatuses', ['list'], false),
      ),
      '/apis': groups(group('batch', 'v1', 'v1beta1'), group('gone.example.com', 'v1')),
      '/apis/batch/v1': list(resource('jobs')),
      '/apis/batch/v1beta1': list(resource('jobs'), resource('cronjobs')),
    }),
  );
  assert.deepEqual(
    resources.map(({ name, version, namespaced }) => `${name} ${version} ${namespaced}`),
    ['secrets v1 true', 'nodes v1 false', 'jobs v1 true', 'cronjobs v1beta1 true'],
  );
  assert.deepEqual([...unanswered], [['gone.example.com/v1', '404 page not found']]);
});

test('an API that another server has is named, and not asked for', async () => {
  const { resources, aggregated, unanswered } = await discover(
    serverOf({
      ...PLAIN,
      [SERVICES]: {
        kind: 'APIServiceList',
        items: [
          {
            metadata: { name: 'v1beta1.metrics.k8s.io' },
            spec: { service: { namespace: 'kube-system', name: 'metrics-server' } },
          },
        ],
      },
      '/apis': groups(group('metrics.k8s.io', 'v1beta1')),
      '/apis/metrics.k8s.io/v1beta1': list(resource('pods')),
    }),
  );
  assert.deepEqual(aggregated, [{ name: 'v1beta1.metrics.k8s.io', service: 'kube-system/metrics-server' }]);
  assert.equal(resources.length, 1);
  assert.equal(unanswered.size, 0);
});

for (const [what, answers] of Object.entries({
  'nothing at all': {},
  'empty objects': { [SERVICES]: {}, '/apis': {}, '/api/v1': {} },
  'other kinds': { ...PLAIN, '/apis': { kind: 'APIResourceList' } },
  'a core that is not served': { ...PLAIN, '/api/v1': undefined },
  'a core without Secrets': { ...PLAIN, '/api/v1': list(resource('pods')) },
  'resources that are none': {
    ...PLAIN,
    '/api/v1': { kind: 'APIResourceList', resources: [null, 7, 'secrets', {}] },
  },
}))
  test(`a server that says ${what} is no Kubernetes of which nothing is amiss`, async () => {
    await assert.rejects(discover(serverOf(answers)), /^Error: it answers \/\S+ with: /);
  });
