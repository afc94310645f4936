import assert from 'node:assert/strict';
import { test } from 'node:test';
import { services, withDefaults } from '../docs/compose-file.ts';
import { type Container, type CronJob, type Manifest, type PodSpec, render } from './chart.ts';

/** docs/browse/compose.yaml beside the pod of the chart that it stands for. */

const values = {
  browse: { enabled: true },
  drill: { kubernetes: { encryptionConfig: { existingSecret: 'encryption' } } },
};
const { containers, initContainers = [] } = await podOfBrowse();

const containerOf = (name: string): Container => {
  const found = [...initContainers, ...containers].find((one) => one.name === name);
  assert.ok(found, `the pod has no ${name}`);
  return found;
};
const inChart = (name: string, part: 'command' | 'args'): string[] => {
  const found = containerOf(name)[part];
  assert.ok(Array.isArray(found), `${name} has no ${part}`);
  return found.map(String);
};
const commandOf = (name: string): string[] => {
  const command = services[name]?.command ?? [];
  assert.ok(Array.isArray(command), name);
  return command.map(withDefaults);
};

test('its kube-apiserver has the flags of the chart, but that it listens where a port can be published', () => {
  const flags = inChart('kube-apiserver', 'command').map((flag) =>
    flag === '--bind-address=127.0.0.1' ? '--bind-address=0.0.0.0' : flag,
  );
  assert.deepEqual(commandOf('kube-apiserver').toSorted(), flags.toSorted());
});

test('its etcd is restored and started as in the chart', () => {
  assert.deepEqual(commandOf('restore'), inChart('restore', 'command'));
  assert.deepEqual(commandOf('etcd'), inChart('etcd', 'command'));
});

test('it fetches as the chart does, and takes the same images', () => {
  const given = inChart('fetch', 'args').map((arg) => (arg === '$(BACKUP)' ? 'latest' : arg));
  assert.deepEqual(commandOf('fetch'), given);
  for (const name of ['fetch', 'restore', 'etcd', 'browse', 'apiserver-files'])
    assert.equal(withDefaults(services[name]?.image ?? ''), containerOf(name).image, name);
});

function isBrowse(one: Manifest): one is CronJob {
  return one.kind === 'CronJob' && one.metadata.name === 'etcd-upkeep-browse';
}

async function podOfBrowse(): Promise<PodSpec> {
  const found = (await render({ values })).find(isBrowse);
  assert.ok(found, 'the chart has no CronJob etcd-upkeep-browse');
  return found.spec.jobTemplate.spec.template.spec;
}
