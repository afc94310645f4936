import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runProgram } from '../support/run-program.ts';
import { helm as helmProgram, type HelmVersion } from '../support/tools.ts';
import { CHART, HELM_VERSIONS, render, renderText } from './chart.ts';
import { makeNamespaces, type Server, startServer } from './server.ts';

/** Rule and dashboard in another namespace than the release's, where those of others are. */

const ELSEWHERE = {
  prometheusRule: {
    enabled: true,
    namespace: 'monitoring',
    additionalRuleLabels: { team: 'platform' },
    alerts: { EtcdAlarm: { for: '90s', labels: { a: 'b' } }, EtcdUpkeepRunFailed: { for: '' } },
    extraRules: [
      { alert: 'EtcdDown', expr: 'up == 0', keep_firing_for: '1h', labels: {} },
      { record: 'etcd:size:max', expr: 'max(etcd_mvcc_db_total_size_in_bytes)' },
    ],
  },
  dashboard: { enabled: true, namespace: 'monitoring' },
};

const KINDS = ['ConfigMap', 'PrometheusRule'];

test('rule and dashboard are where they are wanted, and all else with the release', async () => {
  for (const helm of HELM_VERSIONS) {
    const manifests = await render({ helm, namespace: 'team-a', values: ELSEWHERE });
    const places = manifests.map(({ kind, metadata }) => `${metadata.namespace} ${kind} ${metadata.name}`);
    assert.deepEqual(places.filter((place) => place.startsWith('monitoring ')).toSorted(), [
      'monitoring ConfigMap etcd-upkeep-dashboard.team-a',
      'monitoring PrometheusRule etcd-upkeep.team-a',
    ]);
    const others = manifests.filter(({ kind }) => !KINDS.includes(kind));
    assert.ok(others.every(({ metadata }) => metadata.namespace === 'team-a'));
    const map = manifests.find(({ kind }) => kind === 'ConfigMap');
    assert.match(JSON.stringify(map), /"etcd-upkeep\.team-a\.json":/);
  }
});

test('the namespace of the release, by its name, is the same as none', async () => {
  const on = { prometheusRule: { enabled: true }, dashboard: { enabled: true } };
  const here = {
    prometheusRule: { enabled: true, namespace: 'kube-system' },
    dashboard: { enabled: true, namespace: 'kube-system' },
  };
  assert.equal(await renderText({ values: here }), await renderText({ values: on }));
});

test('a namespace that there can not be is refused', async () => {
  for (const helm of HELM_VERSIONS) {
    for (const part of ['prometheusRule', 'dashboard']) {
      const values = { [part]: { namespace: 'Monitoring' } };
      await assert.rejects(
        renderText({ helm, values }),
        new RegExp(`/${part}/namespace': 'Monitoring' does not`),
      );
    }
  }
});

describe('with a kube-apiserver that knows PrometheusRule', () => {
  let server: Server;
  before(async () => {
    server = await startServer();
    await makeNamespaces(server.api, 'monitoring', 'team-a', 'team-b');
  });
  after(() => server[Symbol.asyncDispose]());

  const helmIn = async (version: HelmVersion, namespace: string, ...args: string[]): Promise<string> =>
    runProgram(await helmProgram(version), [...args, '--namespace', namespace], {
      env: server.api.env,
      input: JSON.stringify(ELSEWHERE),
    });
  const seen = async (field: string): Promise<string[]> => {
    const output = `--output=jsonpath={range .items[*]}{.metadata.${field}}{"\\n"}{end}`;
    const what = ['configmaps,prometheusrules', '--selector=app.kubernetes.io/name=etcd-upkeep'];
    return (await server.api.kubectl('--namespace=monitoring', 'get', ...what, output)).trim().split('\n');
  };

  test('what is applied three times changes once', async () => {
    const manifests = (await render({ namespace: 'team-a', values: ELSEWHERE })).filter(({ kind }) =>
      KINDS.includes(kind),
    );
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
    for (const how of [[], ['--server-side', '--force-conflicts']]) {
      const apply = () =>
        server.api.kubectlWithInput(
          list,
          'apply',
          ...how,
          '--validate=strict',
          '--warnings-as-errors',
          '-f',
          '-',
        );
      await apply();
      const versions = await seen('resourceVersion');
      assert.equal(versions.length, 2);
      await apply();
      await apply();
      assert.deepEqual(await seen('resourceVersion'), versions);
      assert.equal(await server.api.kubectlWithInput(list, 'diff', ...how, '-f', '-'), '');
    }
    await server.api.kubectlWithInput(list, 'delete', '-f', '-');
  });

  for (const version of HELM_VERSIONS) {
    test(`helm ${version}: releases of one name meet in one namespace`, async () => {
      await helmIn(version, 'team-a', 'install', 'etcd-upkeep', CHART, '--values=-');
      await helmIn(version, 'team-b', 'install', 'etcd-upkeep', CHART, '--values=-');
      assert.deepEqual((await seen('name')).toSorted(), [
        'etcd-upkeep-dashboard.team-a',
        'etcd-upkeep-dashboard.team-b',
        'etcd-upkeep.team-a',
        'etcd-upkeep.team-b',
      ]);
      await helmIn(version, 'team-a', 'uninstall', 'etcd-upkeep');
      assert.deepEqual(await seen('name'), ['etcd-upkeep-dashboard.team-b', 'etcd-upkeep.team-b']);
      await helmIn(version, 'team-b', 'upgrade', 'etcd-upkeep', CHART, '--set=prometheusRule.enabled=true');
      assert.deepEqual(await seen('name'), [''], 'an upgrade takes them back to the release');
      await helmIn(version, 'team-b', 'uninstall', 'etcd-upkeep');
    });
  }
});
