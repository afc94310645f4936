import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { REPOSITORY } from '../support/repository.ts';
import { CASES } from './alert-cases.ts';
import { CHART, HELM_VERSIONS, renderText } from './chart.ts';
import { assertAlerts, checkRules, type Rule, type Rules, rulesOf } from './rules.ts';

/** What the values say of alerts by their names, and the rules that are added. */

const ofValues = (prometheusRule: object): Promise<Rules> => rulesOf({ values: { prometheusRule } });
const ofAlerts = (alerts: object): Promise<Rules> => ofValues({ alerts });
const all = ({ groups }: Rules): Rule[] => groups.flatMap(({ rules }) => rules);
const named = (rules: Rules, name: string): Rule[] => all(rules).filter(({ alert }) => alert === name);
const waits = async (alerts: object, name: string) =>
  named(await ofAlerts(alerts), name).map((rule) => rule.for);
const namesOf = (rules: Rules): string[] => all(rules).map(({ alert }) => alert);

const OFF = { enabled: false };
const OF_ETCD = [
  'EtcdQuotaUsage',
  'EtcdFragmentation',
  'EtcdAlarm',
  'EtcdNotCompacted',
  'EtcdDefragmentationLong',
];
const NONE_OF_ETCD = Object.fromEntries(OF_ETCD.map((name) => [name, OFF]));
const DOWN = {
  alert: 'EtcdDown',
  expr: 'up{job="kube-etcd"} == 0',
  for: '5m',
  keep_firing_for: '10m',
  labels: { severity: 'page' },
  annotations: { summary: '{{ $labels.instance }} is down, {{ .Values.schedule }} {{ include "x" . }}' },
};
const RECORD = { record: 'etcd:size:max', expr: 'max(etcd_mvcc_db_total_size_in_bytes)' };

let standard: Rules;
before(async () => {
  standard = await rulesOf();
});

test('the values name every alert, with the severity that the documentation tells', async () => {
  const values: { prometheusRule: { alerts: object } } = parse(
    await readFile(join(CHART, 'values.yaml'), 'utf8'),
  );
  assert.deepEqual(Object.keys(values.prometheusRule.alerts), [...new Set(namesOf(standard))]);
  const page = await readFile(join(REPOSITORY, 'docs/monitoring.md'), 'utf8');
  for (const name of new Set(namesOf(standard))) {
    const [, told = ''] = new RegExp(`^\\| \\[${name}\\][^|]*\\| ([^|]*) \\|`, 'm').exec(page) ?? [];
    const severities = named(standard, name).map(({ labels }) => labels.severity);
    assert.deepEqual(told.split(', ').toSorted(), severities.toSorted(), name);
  }
});

describe('an alert that is off', () => {
  for (const name of Object.keys(CASES)) {
    test(`${name} is left out, and nothing else changes`, async () => {
      const rules = await ofAlerts({ [name]: OFF });
      assert.deepEqual(
        all(rules),
        all(standard).filter(({ alert }) => alert !== name),
      );
    });
  }

  test('the last of a group takes the group along', async () => {
    for (const helm of HELM_VERSIONS) {
      const { groups } = await rulesOf({ helm, values: { prometheusRule: { alerts: NONE_OF_ETCD } } });
      assert.deepEqual(groups, standard.groups.slice(0, 1));
    }
  });

  test('the last of all is refused, unless there are rules of your own', async () => {
    for (const helm of HELM_VERSIONS) {
      const prometheusRule = { runs: OFF, alerts: NONE_OF_ETCD };
      await assert.rejects(
        rulesOf({ helm, values: { prometheusRule } }),
        /prometheusRule\.enabled is true, but no rule is left: .* give prometheusRule\.extraRules, or set prometheusRule\.enabled to false/,
      );
      const more = { ...prometheusRule, extraRules: [DOWN] };
      const { groups } = await rulesOf({ helm, values: { prometheusRule: more } });
      assert.deepEqual(groups, [{ name: 'etcd-upkeep-extra', rules: [DOWN] }]);
    }
  });
});

describe('an alert is changed', () => {
  const failed = 'EtcdUpkeepRunFailed';

  test('in its severity, its labels and its annotations', async () => {
    const annotations = { runbook_url: 'https://wiki.example.com/backup', dashboard: 'etcd' };
    const changed = { severity: 'page', labels: { team: 'storage', old: null }, annotations };
    for (const helm of HELM_VERSIONS) {
      const rules = await rulesOf({ helm, values: { prometheusRule: { alerts: { [failed]: changed } } } });
      const [untouched = assert.fail()] = named(standard, failed);
      const [rule = assert.fail()] = named(rules, failed);
      const { summary, description } = untouched.annotations;
      assert.deepEqual(rule, {
        ...untouched,
        labels: { severity: 'page', team: 'storage' },
        annotations: { summary, description, ...annotations },
      });
      await checkRules(rules);
    }
  });

  test('and fires with the labels that it was given, before those of all', async () => {
    const rules = await ofValues({
      additionalRuleLabels: { team: 'platform', env: 'test', severity: 'none' },
      alerts: { [failed]: { labels: { team: 'storage' } } },
    });
    const [example = assert.fail()] = Object.values(CASES[failed] ?? {});
    const [firing = assert.fail()] = example.firing;
    await assertAlerts(rules, failed, {
      ...example,
      firing: [{ ...firing, team: 'storage', env: 'test' }],
    });
    for (const { labels } of all(rules)) {
      assert.match(labels.severity, /^(info|warning|critical)$/, 'its own wins over that of all');
    }
  });

  test('in how long it waits, where that is not its threshold', async () => {
    assert.deepEqual(await waits({ EtcdAlarm: { for: '90s' } }, 'EtcdAlarm'), ['90s']);
    assert.deepEqual(await waits({ [failed]: { for: null } }, failed), ['15m']);
    for (const none of ['', 0]) {
      assert.deepEqual(await waits({ [failed]: { for: none } }, failed), [undefined]);
    }
    assert.deepEqual(await waits({ EtcdQuotaUsage: { for: '1h30m' } }, 'EtcdQuotaUsage'), [
      '1h30m',
      '1h30m',
      '1h30m',
    ]);
  });

  test('in each of its three severities', async () => {
    const severities = { info: '', warning: 'ticket', critical: null };
    const rules = await ofAlerts({ EtcdQuotaUsage: { severities, labels: { a: 'b' } } });
    assert.deepEqual(
      named(rules, 'EtcdQuotaUsage').map(({ expr, labels }) => [expr.slice(-6), labels]),
      [
        ['> 0.85', { severity: 'critical', a: 'b' }],
        ['> 0.75', { severity: 'ticket', a: 'b' }],
      ],
    );
  });
});

test('rules of your own are in a group of the release, as they are', async () => {
  for (const helm of HELM_VERSIONS) {
    const prometheusRule = { additionalRuleLabels: { team: 'platform' }, extraRules: [DOWN, RECORD] };
    const rules = await rulesOf({ helm, release: 'prod', values: { prometheusRule } });
    const extra = { name: 'prod-etcd-upkeep-extra', rules: [DOWN, RECORD] };
    assert.deepEqual(rules.groups.at(-1), extra);
    assert.equal(rules.groups.length, 3);
  }
  const rules = await ofValues({ extraRules: [{ ...DOWN, annotations: {} }, RECORD] });
  await checkRules(rules);
  await assertAlerts(rules, 'EtcdDown', {
    series: { 'up{job="kube-etcd",instance="m1"}': '0+0x10' },
    at: '10m',
    firing: [{ job: 'kube-etcd', instance: 'm1', severity: 'page' }],
  });
});

test('the example of the documentation is taken, and Prometheus takes what becomes of it', async () => {
  const page = await readFile(join(REPOSITORY, 'docs/monitoring.md'), 'utf8');
  const [, example = assert.fail()] = /^```yaml\n(prometheusRule:.*?)^```/ms.exec(page) ?? [];
  const rules = await rulesOf({ values: parse(example) });
  assert.deepEqual(named(rules, 'EtcdUpkeepRunSlow'), []);
  assert.deepEqual(
    named(rules, 'EtcdUpkeepNoSuccess').map(({ labels }) => labels),
    [{ severity: 'page', team: 'storage' }],
  );
  assert.deepEqual(
    named(rules, 'EtcdQuotaUsage').map(({ labels }) => labels.severity),
    ['page', 'warning'],
  );
  assert.equal(named(rules, 'EtcdDown').length, 1);
  await checkRules(rules);
});

const REFUSED: Record<string, [prometheusRule: object, RegExp]> = {
  'an alert that there is not': [
    { alerts: { EtcdUpkeepNoSucces: OFF } },
    /\/alerts': additional properties 'EtcdUpkeepNoSucces'/,
  ],
  'two values for how long an alert waits': [
    { alerts: { EtcdUpkeepNotSeen: { for: '1h' } } },
    /\/EtcdUpkeepNotSeen': additional properties 'for'/,
  ],
  'one severity for three rules of one name': [
    { alerts: { EtcdQuotaUsage: { severity: 'page' } } },
    /\/EtcdQuotaUsage': additional properties 'severity'/,
  ],
  'a label that no older Prometheus takes': [
    { additionalRuleLabels: { 'my-team': 'a' } },
    /\/additionalRuleLabels': additional properties 'my-team'/,
  ],
  'a duration as a person writes it': [
    { alerts: { EtcdAlarm: { for: '5 min' } } },
    /\/for': '5 min' does not/,
  ],
  'a number for a duration': [{ alerts: { EtcdAlarm: { for: 5 } } }, /\/for': maximum: got 5, want 0/],
  'no severity': [{ alerts: { EtcdAlarm: { severity: '' } } }, /\/severity': minLength/],
  'a rule of nothing': [{ extraRules: [{ alert: 'A' }] }, /\/extraRules\/0': missing property 'expr'/],
  'a rule without a name': [{ extraRules: [{ expr: 'up' }] }, /\/extraRules\/0': missing property 'alert'/],
  'a rule that records and alerts': [
    { extraRules: [{ ...RECORD, alert: 'A' }] },
    /\/0\/alert': value must be 'left out beside record/,
  ],
  'a record that waits': [{ extraRules: [{ ...RECORD, for: '1m' }] }, /\/0\/for': value must be 'left out/],
  'a field that no rule has': [
    { extraRules: [{ ...DOWN, severity: 'page' }] },
    /\/extraRules\/0': additional properties 'severity'/,
  ],
  'a null that the API would refuse': [
    { extraRules: [{ ...DOWN, labels: null }] },
    /\/0\/labels': got null, want object/,
  ],
  'no rule': [
    { enabled: true, runs: OFF, etcd: OFF, extraRules: [] },
    /\/enabled': value must be 'false where .* there are no extraRules/,
  ],
};

describe('refused in words is', { concurrency: 2 }, () => {
  for (const [what, [prometheusRule, message]] of Object.entries(REFUSED)) {
    test(what, async () => {
      await Promise.all(
        HELM_VERSIONS.map((helm) =>
          assert.rejects(renderText({ helm, values: { prometheusRule } }), message),
        ),
      );
    });
  }
});
