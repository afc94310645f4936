import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { startCluster } from '../etcd-cluster.ts';
import { request } from '../http-request.ts';
import { startApiServer } from './apiserver.ts';

const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data: { key: 'value' } };
const check = ['create', '--dry-run=server', '--validate=strict', '--filename=-'];

test('two API servers side by side keep their objects in their own etcd', async () => {
  await using plain = await startCluster();
  await using secured = await startCluster({ tls: true });
  await using first = await startApiServer({ etcd: plain });
  await using second = await startApiServer({ etcd: secured });
  assert.notEqual(first.url, second.url);
  await first.kubectlWithInput(JSON.stringify(configMap), 'create', '--filename=-');
  assert.equal(await first.kubectl('get', 'configmap/one', '--output=jsonpath={.data.key}'), 'value');
  await assert.rejects(second.kubectl('get', 'configmap/one'), /NotFound/);
  assert.match(await plain.etcdctl('get', '--keys-only', '/registry/configmaps/default/one'), /one/);
  assert.equal(await secured.etcdctl('get', '--keys-only', '/registry/configmaps/default/one'), '');
});

test('it checks an object without keeping it, and knows who asks', async () => {
  await using etcd = await startCluster();
  await using api = await startApiServer({ etcd });
  assert.match(await api.kubectlWithInput(JSON.stringify(configMap), ...check), /created \(server dry run\)/);
  await assert.rejects(api.kubectl('get', 'configmap/one'), /NotFound/);
  const misspelt = { ...configMap, dta: {} };
  await assert.rejects(api.kubectlWithInput(JSON.stringify(misspelt), ...check), /unknown field "dta"/);
  const stranger = await api.kubeconfigFor({ name: 'stranger', user: 'stranger' });
  await assert.rejects(api.kubectl(`--kubeconfig=${stranger}`, 'get', 'pods'), /User "stranger" cannot list/);
});

test('it ends with its scope; flags win; a start that fails says why', async () => {
  await using etcd = await startCluster();
  const { url, folder } = await (async () => {
    await using api = await startApiServer({ etcd, extraArgs: ['--service-cluster-ip-range=10.97.0.0/24'] });
    assert.match(await api.kubectl('get', 'service/kubernetes', '--output=wide'), /10\.97\.0\.1/);
    return api;
  })();
  await assert.rejects(request(url.replace('https:', 'http:'), { tls: undefined }), /ECONNREFUSED/);
  assert.equal(existsSync(folder), false);
  await assert.rejects(startApiServer({ etcd, extraArgs: ['--no-such-flag'] }), /no-such-flag/);
});
