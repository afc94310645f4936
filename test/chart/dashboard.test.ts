import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tellOfDrill } from '../../src/sinks/drill.ts';
import { drilled } from '../support/drilled.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { type Pushgateway, startPushgateway } from '../support/pushgateway.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { REPOSITORY } from '../support/repository.ts';
import { CHART, HELM_VERSIONS, type Manifest, render } from './chart.ts';
import { rulesOf } from './rules.ts';

/** The chart's queries, asked of a real Prometheus about real runs. */

interface Panel {
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; instant?: boolean }[];
}

interface Dashboard {
  uid: string;
  panels: Panel[];
  templating: { list: { name: string; query: string | { query: string } }[] };
}

const QUOTA_BYTES = 64 * 2 ** 20;
const CLUSTERS = ['prod', 'stage'];

/** What a variable of the dashboard stands for, or is looked up by. */
function queryOf({ templating }: Dashboard, variable: string): string {
  const { query } = templating.list.find(({ name }) => name === variable) ?? assert.fail(variable);
  return typeof query === 'string' ? query : query.query;
}

const readDashboard = async (): Promise<Dashboard> =>
  JSON.parse(await readFile(join(CHART, 'dashboards/etcd-upkeep.json'), 'utf8'));

/** What is seen, once it is there. */
async function waitFor<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 150; tries += 1) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await sleep(200);
  }
  return assert.fail(`${what} within 30 s`);
}

/** What a run on that node would have told, by its own Prometheus labels. */
async function pushFigures(
  gateway: Pushgateway,
  instance: string,
  when: number,
  code: number,
): Promise<void> {
  const figures = { last_run_timestamp_seconds: when, last_run_exit_code: code };
  const lines = Object.entries(figures).map(
    ([name, value]) => `# TYPE etcd_upkeep_${name} gauge\netcd_upkeep_${name} ${value}\n`,
  );
  const group = `${gateway.url}/metrics/job/node/instance/${instance}/cluster/two`;
  const { status } = await fetch(group, { method: 'POST', body: lines.join('') });
  assert.equal(status, 200);
}

describe('with a Prometheus that scrapes a Pushgateway and etcd', () => {
  let cluster: Cluster;
  let gateway: Pushgateway;
  let prometheus: Prometheus;
  let store: Scratch;

  before(async () => {
    [cluster, gateway, store] = await Promise.all([
      startCluster({ quotaBytes: QUOTA_BYTES }),
      startPushgateway(),
      scratchFolder('store'),
    ]);
    prometheus = await startPrometheus({
      jobs: { pushgateway: gateway.url, 'kube-etcd': cluster.member(0).clientUrl },
      rules: await rulesOf({ values: { prometheusRule: { etcd: { job: 'kube-etcd' } } } }),
    });
  });
  after(async () => {
    await prometheus[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });

  const envOf = (name: string): Record<string, string> => ({
    ...cluster.env,
    CLUSTER_NAME: name,
    BACKUP_STORE: `file://${store.path}`,
    METRICS_PUSHGATEWAY_URL: gateway.url,
    COMPACTION_RETENTION: '1',
    DEFRAG_MIN_DB_SIZE: '1Mi',
    DEFRAG_WAIT: '0s',
  });

  test('every query of the dashboard has an answer', async () => {
    await fill(cluster, { keys: 50, valueBytes: 10_000, overwrites: 20 });
    for (const name of CLUSTERS) {
      const { warnings } = assertRunEnded(await runJob(envOf(name)), 0, 'ok');
      assert.deepEqual(warnings, []);
    }
    await waitFor('both clusters are scraped', async () => {
      const known = await prometheus.query('etcd_upkeep_last_success_timestamp_seconds');
      return known.length === CLUSTERS.length ? known : undefined;
    });
    const dashboard = await readDashboard();
    assert.equal(
      queryOf(dashboard, 'cluster'),
      'label_values(etcd_upkeep_last_run_timestamp_seconds, cluster)',
    );
    const known = await prometheus.labelValues('etcd_upkeep_last_run_timestamp_seconds', 'cluster');
    assert.deepEqual(known, CLUSTERS);

    let asked = 0;
    for (const { title, targets = [] } of dashboard.panels) {
      for (const { refId, expr, instant } of targets) {
        for (const chosen of ['.*', '(prod|stage)', 'prod']) {
          const query = expr
            .replaceAll('$cluster', chosen)
            .replaceAll('$newest', queryOf(dashboard, 'newest'));
          assert.doesNotMatch(query, /\$/, `${title} has a variable that is not known`);
          const series = await (instant ? prometheus.query(query) : prometheus.queryRange(query));
          const clusters = [...new Set(series.map(({ metric }) => metric['cluster'] ?? ''))].toSorted();
          assert.deepEqual(clusters, chosen === 'prod' ? ['prod'] : CLUSTERS, `${title} ${refId}: ${query}`);
          asked += 1;
        }
      }
    }
    assert.ok(asked > 60, `${asked} queries`);
    const [reclaimed] = await prometheus.query('etcd_upkeep_reclaimed_bytes{cluster="prod"}');
    assert.ok((reclaimed?.value ?? 0) > 1e6, 'the first run had something to reclaim');
  });

  test('every metric that a run or a drill tells is in docs/monitoring.md, and no other', async () => {
    const sinks = { pushgatewayUrl: new URL(gateway.url) };
    await tellOfDrill(drilled(), 'prod', sinks, AbortSignal.timeout(60_000));
    const told = (await gateway.metrics()).match(/^etcd_upkeep_\w+/gm) ?? [];
    const page = await readFile(join(REPOSITORY, 'docs/monitoring.md'), 'utf8');
    const described = page.match(/(?<=`)etcd_upkeep_\w+/g) ?? [];
    assert.deepEqual([...new Set(described)].toSorted(), [...new Set(told)].toSorted());
  });

  test('with a textfile on each of two nodes the newest run is what is shown', async () => {
    const newest = queryOf(await readDashboard(), 'newest');
    await pushFigures(gateway, 'n1', 2000, 0);
    await pushFigures(gateway, 'n2', 1000, 4);
    const series = await waitFor('the pushed figures', async () => {
      const told = await prometheus.query('etcd_upkeep_last_run_exit_code{cluster="two"}');
      return told.length === 2
        ? prometheus.query(`etcd_upkeep_last_run_exit_code{cluster="two"} ${newest}`)
        : undefined;
    });
    assert.deepEqual(
      series.map(({ metric, value }) => [metric['instance'], value]),
      [['n1', 0]],
    );
  });

  test('alerts come, in words that are whole', async () => {
    assert.deepEqual(
      (await prometheus.alerts()).filter(({ labels }) => labels['cluster'] !== 'two'),
      [],
      'all is well',
    );
    const broken = { ...envOf('prod'), BACKUP_STORE: 'file:///proc/no' };
    assertRunEnded(await runJob(broken), 4, 'failed');
    await assert.rejects(fill(cluster, { keys: 100, valueBytes: 1_000_000 }), /database space exceeded/);
    const find = (name: string, labels: Record<string, string>) =>
      waitFor(name, async () => {
        const wanted = Object.entries({ alertname: name, ...labels });
        const alerts = await prometheus.alerts();
        return alerts.find((alert) => wanted.every(([label, value]) => alert.labels[label] === value));
      });
    const failed = await find('EtcdUpkeepRunFailed', { cluster: 'prod' });
    assert.equal(
      failed.annotations['summary'],
      'The last run of etcd-upkeep on cluster prod failed with exit code 4',
    );
    const full = await find('EtcdAlarm', { alarm_type: 'NOSPACE' });
    assert.equal(full.state, 'firing');
    assert.equal(full.annotations['summary'], 'etcd (job kube-etcd) has the alarm NOSPACE');
    const quota = await find('EtcdQuotaUsage', { severity: 'critical' });
    assert.match(
      quota.annotations['summary'] ?? '',
      /^The database of etcd 127\.0\.0\.1:\d+ fills [\d.]+% of its quota$/,
    );
    for (const { annotations } of await prometheus.alerts()) {
      assert.doesNotMatch(JSON.stringify(annotations), /error expanding|<no value>/);
    }
  });
});

test('the panels do not overlap, and each has a name of its own or is a row', async () => {
  const { panels, uid } = await readDashboard();
  assert.equal(uid, 'etcd-upkeep');
  const taken = new Set<string>();
  for (const { gridPos: at, title } of panels) {
    assert.ok(at.x + at.w <= 24, title);
    for (let x = at.x; x < at.x + at.w; x += 1) {
      for (let y = at.y; y < at.y + at.h; y += 1) {
        assert.ok(!taken.has(`${x} ${y}`), `${title} lies on another`);
        taken.add(`${x} ${y}`);
      }
    }
  }
});

test('the ConfigMap holds the dashboard as it is, where the sidecar looks for it', async () => {
  const text = await readFile(join(CHART, 'dashboards/etcd-upkeep.json'), 'utf8');
  const values = {
    dashboard: { enabled: true, labels: { team: 'etcd' }, annotations: { grafana_folder: 'etcd' } },
  };
  for (const helm of HELM_VERSIONS) {
    const map = (await render({ helm, values })).find(isConfigMap);
    assert.equal(map?.metadata.name, 'etcd-upkeep-dashboard');
    assert.equal(map.metadata.labels['grafana_dashboard'], '1');
    assert.equal(map.metadata.labels['team'], 'etcd');
    assert.deepEqual(map.metadata.annotations, { grafana_folder: 'etcd' });
    assert.deepEqual(Object.keys(map.data), ['etcd-upkeep.json']);
    assert.deepEqual(JSON.parse(map.data['etcd-upkeep.json'] ?? ''), JSON.parse(text));
  }
  assert.ok((await render()).every(({ kind }) => kind !== 'ConfigMap'));
});

function isConfigMap(manifest: Manifest): manifest is Manifest & { data: Record<string, string> } {
  return manifest.kind === 'ConfigMap';
}
