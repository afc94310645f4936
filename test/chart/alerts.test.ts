import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { type EtcdVersion } from '../support/tools.ts';
import { REPOSITORY } from '../support/repository.ts';
import { CASES } from './alert-cases.ts';
import { HELM_VERSIONS, render } from './chart.ts';
import { assertAlerts, checkRules, type Rule, type Rules, rulesOf } from './rules.ts';

const PAGE = 'docs/monitoring.md';
const PAGE_URL = `https://github.com/etcd-upkeep/etcd-upkeep/blob/main/${PAGE}`;
const all = ({ groups }: Rules): Rule[] => groups.flatMap(({ rules }) => rules);

const groupsOf = async (prometheusRule: object): Promise<string[]> =>
  (await rulesOf({ values: { prometheusRule } })).groups.map(({ name }) => name);

let rules: Rules;
before(async () => {
  rules = await rulesOf();
});

for (const [alert, cases] of Object.entries(CASES)) {
  describe(`${alert} fires`, { concurrency: 2 }, () => {
    for (const [when, example] of Object.entries(cases)) {
      test(when, () => assertAlerts(rules, alert, example));
    }
  });
}

test('a case that is wrong is found', async () => {
  const [example] = Object.values(CASES['EtcdUpkeepRunFailed'] ?? {});
  assert.ok(example);
  await assert.rejects(assertAlerts(rules, 'EtcdUpkeepRunFailed', { ...example, firing: [] }), /FAILED/);
});

test('every alert has a case that fires and one that does not', () => {
  const names = new Set(all(rules).map(({ alert }) => alert));
  assert.deepEqual([...names].toSorted(), Object.keys(CASES).toSorted());
  for (const [alert, cases] of Object.entries(CASES)) {
    const counts = Object.values(cases).map(({ firing }) => firing.length);
    assert.ok(counts.some((count) => count > 0) && counts.includes(0), alert);
  }
});

test('every alert says what it means, what to do, and where more of it stands', async () => {
  const page = await readFile(join(REPOSITORY, PAGE), 'utf8');
  for (const { alert, labels, annotations } of all(rules)) {
    assert.match(labels.severity, /^(info|warning|critical)$/, alert);
    assert.ok(annotations.summary.length > 20 && annotations.description.length > 80, alert);
    assert.equal(annotations.runbook_url, `${PAGE_URL}#${alert.toLowerCase()}`);
    assert.ok(new RegExp(`^#+ ${alert}$`, 'm').test(page), `${PAGE} has no section ${alert}`);
  }
});

test('both helms render the same rules, and Prometheus takes them', async () => {
  const shapes = [
    {},
    { clusterName: 'prod' },
    { prometheusRule: { runs: { shrunkTo: 1, slow: { factor: 2 } } } },
  ];
  for (const values of shapes) {
    const [first, ...others] = await Promise.all(HELM_VERSIONS.map((helm) => rulesOf({ helm, values })));
    for (const other of others) assert.deepEqual(other, first);
    await checkRules(first ?? assert.fail());
  }
});

test('the thresholds and the job arrive', async () => {
  const changed = await rulesOf({
    values: {
      prometheusRule: {
        labels: { release: 'prometheus' },
        runbookUrl: 'https://wiki.example.com/etcd',
        runs: { noSuccessHours: 50, shrunkTo: 0.8, slow: { factor: 5, seconds: 1200 } },
        etcd: {
          job: 'kube-etcd|etcd-events',
          quota: { info: 0.5, warning: 0.6, critical: 0.7 },
          fragmentation: { ratio: 0.9, minBytes: 12_345_678 },
          compaction: { hours: 13, minRevisions: 1_000_000 },
          defragMinutes: 20,
        },
      },
    },
  });
  const text = (name: string) =>
    JSON.stringify(all(changed).flatMap(({ expr, ...rest }) => (rest.alert === name ? [expr, rest] : [])));
  assert.match(
    text('EtcdUpkeepNoSuccess'),
    /\[100h\].*> 50 \* 3600.*https:\/\/wiki\.example\.com\/etcd#etcdup/,
  );
  assert.match(text('EtcdUpkeepNotSeen'), /"for":"50h"/);
  assert.match(text('EtcdUpkeepBackupShrank'), /< 0\.8 \* .*less than 80 %/);
  assert.match(text('EtcdUpkeepRunSlow'), /> 5 \* .* > 1200 \+ /);
  assert.match(text('EtcdQuotaUsage'), /kube-etcd\|etcd-events.* > 0\.\d/);
  assert.deepEqual(
    all(changed)
      .filter(({ alert }) => alert === 'EtcdQuotaUsage')
      .map(({ expr, labels }) => `${labels.severity} ${expr.slice(-3)}`)
      .toSorted(),
    ['critical 0.7', 'info 0.5', 'warning 0.6'],
  );
  assert.match(text('EtcdFragmentation'), /> 0\.9.*> 12345678/);
  assert.match(text('EtcdNotCompacted'), /offset 13h.*> 1000000/);
  assert.match(text('EtcdDefragmentationLong'), /"for":"20m"/);
});

test('Prometheus reads numbers as people write them', async () => {
  const prometheusRule = {
    runs: { shrunkTo: 0.00001, slow: { factor: 10.5 } },
    etcd: { quota: { info: '0.5' }, fragmentation: { ratio: 0.00005, minBytes: 5e11 } },
  };
  for (const helm of HELM_VERSIONS) {
    const exact = await rulesOf({ helm, values: { prometheusRule } });
    const text = JSON.stringify(all(exact).map(({ expr, annotations }) => [expr, annotations]));
    assert.match(text, /< 0\.00001 \* min.*less than 0\.001 %/);
    assert.match(text, /> 10\.5 \* quantile.*more than 10\.5 times/);
    assert.match(text, / > 0\.5".* > 0\.00005\\nand\\n.* > 500000000000"/);
    await checkRules(exact);
  }
});

test('a cluster with a name hears of itself alone, unless it is to hear of all', async () => {
  const [example] = Object.values(CASES['EtcdUpkeepRunFailed'] ?? {});
  assert.ok(example);
  const other = await rulesOf({ values: { clusterName: 'b' } });
  await assertAlerts(other, 'EtcdUpkeepRunFailed', { ...example, firing: [] });
  const fleet = { clusterName: 'b', prometheusRule: { runs: { allClusters: true } } };
  await assertAlerts(await rulesOf({ values: fleet }), 'EtcdUpkeepRunFailed', example);
  const shrank = CASES['EtcdUpkeepBackupShrank']?.['when half of the objects are gone'];
  assert.ok(shrank);
  await assertAlerts(await rulesOf({ values: { clusterName: 'a' } }), 'EtcdUpkeepBackupShrank', shrank);
});

test('each group can be left out, and the object is labelled as Prometheus selects', async () => {
  assert.deepEqual(await groupsOf({}), ['etcd-upkeep', 'etcd']);
  assert.deepEqual(await groupsOf({ runs: { enabled: false } }), ['etcd']);
  assert.deepEqual(await groupsOf({ etcd: { enabled: false } }), ['etcd-upkeep']);
  const labels = { release: 'prometheus', 'app.kubernetes.io/name': 'not-mine-to-change' };
  const values = { prometheusRule: { enabled: true, labels, annotations: { a: 'b' } } };
  const rule = (await render({ values })).find(({ kind }) => kind === 'PrometheusRule');
  assert.equal(rule?.metadata.labels['release'], 'prometheus');
  assert.equal(rule.metadata.labels['app.kubernetes.io/name'], 'etcd-upkeep');
  assert.deepEqual(rule.metadata.annotations, { a: 'b' });
  assert.ok((await render()).every(({ kind }) => kind !== 'PrometheusRule'));
});

describe('the metrics that the alerts ask for are told', () => {
  /** Of etcd 3.6 and later, and of a member that somebody asked for /readyz. */
  const SOMETIMES = ['etcd_debugging_server_alarms', 'etcd_server_healthcheck'];
  const VERSIONS: EtcdVersion[] = ['3.4', '3.5', '3.6', '3.7'];
  for (const version of VERSIONS) {
    test(`by etcd ${version}`, async () => {
      await using cluster = await startCluster({ version });
      const told = await (await fetch(`${cluster.member(0).clientUrl}/metrics`)).text();
      const asked = JSON.stringify(rules.groups[1]).match(/etcd_[a-z_]+(?=\{)/g) ?? [];
      assert.ok(asked.length > 10);
      for (const name of new Set(asked)) {
        if (!SOMETIMES.includes(name)) assert.match(told, new RegExp(`^${name} `, 'm'));
      }
    });
  }
});
