import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { render, renderCronJob, renderPod } from './chart.ts';

test('a network policy: to those who are told of the runs, at the ports of their URLs and their own', async () => {
  const values = {
    hostNetwork: false,
    metrics: { pushgatewayUrl: 'https://pushgateway.example.com/base' },
    heartbeat: { existingSecret: 'heartbeat' },
    networkPolicy: {
      enabled: true,
      pushgateway: { to: [{ podSelector: {} }] },
      heartbeat: { ports: [8443], to: [{ ipBlock: { cidr: '192.0.2.1/32' } }] },
    },
  };
  const egressOf = async (more: object = {}): Promise<unknown[]> => {
    const manifests = await render({ values: { ...values, ...more } });
    const spec = manifests.find(({ kind }) => kind === 'NetworkPolicy')?.spec;
    assert.ok(spec && 'egress' in spec && Array.isArray(spec.egress));
    return spec.egress.slice(1, -1);
  };
  assert.deepEqual(await egressOf(), [
    { ports: [9091, 443].map((port) => ({ protocol: 'TCP', port })), to: [{ podSelector: {} }] },
    { ports: [{ protocol: 'TCP', port: 8443 }], to: [{ ipBlock: { cidr: '192.0.2.1/32' } }] },
  ]);
  assert.deepEqual(await egressOf({ metrics: { pushgatewayUrl: 'http://[::1]:8080' }, heartbeat: {} }), [
    { ports: [9091, 8080].map((port) => ({ protocol: 'TCP', port })), to: [{ podSelector: {} }] },
  ]);
});

test('metrics in a file: the folder of the node in the pod of the job alone', async () => {
  const values = {
    metrics: { textfile: { enabled: true, hostPath: '/srv/textfile' } },
    drill: { enabled: true },
  };
  const pod = await renderPod({ values });
  const volume = { name: 'textfile', hostPath: { path: '/srv/textfile', type: 'DirectoryOrCreate' } };
  assert.deepEqual(
    pod.volumes?.filter(({ name }) => name === 'textfile'),
    [volume],
  );
  const mount = { name: 'textfile', mountPath: '/textfile' };
  assert.ok(pod.containers[0].volumeMounts?.some((each) => isDeepStrictEqual(each, mount)));
  assert.doesNotMatch(JSON.stringify(await renderCronJob({ values }, 'drill')), /textfile/i);
  const own = {
    metrics: { textfile: { enabled: true, hostPath: '' } },
    extraVolumes: [{ name: 'mine', emptyDir: {} }],
    extraVolumeMounts: [{ name: 'mine', mountPath: '/textfile' }],
  };
  assert.ok((await renderPod({ values: own })).volumes?.every(({ name }) => name !== 'textfile'));
});
