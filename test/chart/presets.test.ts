import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { nameOf, render, renderCronJob, valuesFiles } from './chart.ts';
import { presetFiles } from './values.ts';

const files = await valuesFiles();
const presets = await presetFiles();

test('no values file needs a null, which installers and wrapper charts lose', async () => {
  for (const file of files) {
    const values = JSON.stringify(parse(await readFile(file, 'utf8')));
    assert.doesNotMatch(values, /null/, nameOf(file));
  }
});

for (const file of files) {
  test(`${nameOf(file)}: away from the host network no node is asked to be a control plane`, async () => {
    const drill = { enabled: true, ageIdentity: { existingSecret: 'backup-key' } };
    for (const component of [undefined, 'drill'] as const) {
      const job = await renderCronJob({ file, values: { drill } }, component);
      const { hostNetwork, nodeSelector, affinity, tolerations } = job.spec.jobTemplate.spec.template.spec;
      assert.equal(nodeSelector?.['kubernetes.io/os'], 'linux');
      const required = JSON.stringify({ ...nodeSelector, affinity });
      if (component === undefined && hostNetwork !== true) {
        assert.doesNotMatch(required, /node-role/, 'no managed cluster has such a node');
      }
      // Where it has to be on a node of the control plane it has to tolerate that, too.
      if (required.includes('node-role')) assert.match(JSON.stringify(tolerations), /node-role/);
    }
  });
}

test('every preset names its cluster, or is for the one that it runs in', async () => {
  for (const file of presets) {
    const { clusterName, hostNetwork } = parse(await readFile(file, 'utf8'));
    assert.ok(clusterName || hostNetwork !== false, nameOf(file));
  }
});

test('claims have one size in all of them: one that was made does not shrink', async () => {
  const sizes = await Promise.all(
    presets.map(async (file) => {
      const claim = (await render({ file })).find(({ kind }) => kind === 'PersistentVolumeClaim');
      return claim === undefined ? [] : [JSON.stringify(claim.spec)];
    }),
  );
  const standard = await render({ values: { backup: { persistence: { enabled: true } } } });
  const byHand = standard.find(({ kind }) => kind === 'PersistentVolumeClaim');
  assert.deepEqual(new Set(sizes.flat()), new Set([JSON.stringify(byHand?.spec)]));
});
