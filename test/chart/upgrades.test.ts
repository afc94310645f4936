import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { HelmVersion } from '../support/tools.ts';
import { CHART, HELM_VERSIONS, nameOf, render, UNCHECKED } from './chart.ts';
import { identity, makeNamespaces, type Server, startServer, type Stored } from './server.ts';
import { presetFiles } from './values.ts';

/** A release that changes its shape: from the defaults to each preset and back, and from one preset to the next. */

const RELEASE = 'etcd-upkeep';
const presets = await presetFiles();
let server: Server;

before(async () => {
  server = await startServer();
});

after(() => server[Symbol.asyncDispose]());

for (const version of HELM_VERSIONS) {
  describe(`helm ${version}`, { concurrency: 2 }, () => {
    for (const file of presets) {
      test(`the defaults, ${nameOf(file)}, the defaults, rollback, uninstall, install`, async () => {
        const release = await newRelease(version, nameOf(file));
        const notes = await release.install();
        assert.match(notes, /create job --from=cronjob\/etcd-upkeep etcd-upkeep-by-hand/);
        assert.match(notes, /\/var\/backups\/etcd-upkeep on the node that a run happens to be on/);
        const fresh = await release.objects();

        await release.upgrade(file);
        const changed = await release.objects();
        await release.upgrade();
        const back = await release.objects();
        assert.deepEqual(wanted(back), wanted(fresh));

        await release.helm('rollback', RELEASE, '2');
        const again = await release.objects();
        assert.deepEqual(wanted(again), wanted(changed));
        for (const objects of [changed, back, again]) assert.equal(cronJobOf(objects), cronJobOf(fresh));

        await release.helm('uninstall', RELEASE);
        const claims = await claimsOf([file]);
        assert.deepEqual(keptBy(await release.objects()), claims);
        const said = await release.install(file);
        assert.equal(said.includes('PersistentVolumeClaim etcd-upkeep-backups'), claims.length > 0, said);
      });
    }

    test('from each preset to the next, rollback to the first, uninstall', async () => {
      const release = await newRelease(version, 'chain');
      await release.install();
      const fresh = await release.objects();
      for (const file of presets) await release.upgrade(file);
      const last = await release.objects();
      await release.helm('rollback', RELEASE, '1');
      const back = await release.objects();
      assert.deepEqual(wanted(back), wanted(fresh));
      for (const objects of [last, back]) assert.equal(cronJobOf(objects), cronJobOf(fresh));

      await release.helm('uninstall', RELEASE);
      assert.deepEqual(keptBy(await release.objects()), await claimsOf(presets));
    });
  });
}

async function newRelease(version: HelmVersion, name: string) {
  const namespace = `${name}-${version.replace('.', '-')}`;
  await makeNamespaces(server.api, namespace);
  const helm = (...args: string[]) => server.helm(version, namespace, ...args);
  return {
    helm,
    install: (file?: string) => helm('install', RELEASE, CHART, UNCHECKED, ...valuesOf(file)),
    // Without it an upgrade that is given no values keeps those of the last.
    upgrade: (file?: string) =>
      helm('upgrade', RELEASE, CHART, UNCHECKED, '--reset-values', ...valuesOf(file)),
    objects: () => server.objectsIn(namespace),
  };
}

const valuesOf = (file?: string): string[] => (file === undefined ? [] : [`--values=${file}`]);

/** What somebody asked for. A claim stays once it was made. */
function wanted(objects: Stored[]): Record<string, object> {
  const asked = objects.filter(({ kind }) => kind !== 'PersistentVolumeClaim');
  return Object.fromEntries(
    asked.map(({ metadata, ...rest }) => [
      identity({ metadata, ...rest }),
      { ...rest, labels: metadata.labels, annotations: metadata.annotations },
    ]),
  );
}

/** The identity of the CronJob that runs the job: Kubernetes knows its Jobs by it. */
function cronJobOf(objects: Stored[]): string | undefined {
  return objects.find((object) => identity(object) === `CronJob/${RELEASE}`)?.metadata.uid;
}

/** The README promises that backups stay. Nothing else may. */
function keptBy(objects: Stored[]): string[] {
  for (const { metadata } of objects) {
    assert.deepEqual(metadata.annotations, { ...metadata.annotations, 'helm.sh/resource-policy': 'keep' });
  }
  return objects.map(identity);
}

async function claimsOf(files: string[]): Promise<string[]> {
  const manifests = await Promise.all(files.map((file) => render({ file, release: RELEASE })));
  const claims = manifests.flat().filter(({ kind }) => kind === 'PersistentVolumeClaim');
  return [...new Set(claims.map(identity))];
}
