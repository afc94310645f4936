import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { renderCronJob, renderPod } from './chart.ts';

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
