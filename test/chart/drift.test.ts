import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { HelmVersion } from '../support/tools.ts';
import {
  HELM_VERSIONS,
  type Manifest,
  nameOf,
  parseManifests,
  renderText,
  UNCHECKED,
  valuesFiles,
} from './chart.ts';
import { makeNamespaces, type Server, startServer, type Stored } from './server.ts';
import { readValues } from './values.ts';
import { wrapperChart } from './wrapper.ts';

/**
 * Installers that keep up what is wanted apply it again and again. What differs from what the API server made of it,
 * they see and mend for ever. Every values file at once: a process for each would take minutes.
 */

/** So many charts with their dashboards fit into the Secret that helm keeps a release in. */
const PARTS = 4;

const files = await valuesFiles();
/** Part of the name of every release and its namespace in what is rendered once and applied in several ways. */
const PLACE = 'some-place';

let server: Server;
let rendered: string;

before(async () => {
  server = await startServer();
  rendered = await renderAll();
});

after(() => server[Symbol.asyncDispose]());

test('two renders are equal', async () => {
  assert.equal(await renderAll(), rendered);
});

describe('nothing changes', { concurrency: 2 }, () => {
  for (const how of [[], ['--server-side']]) {
    const name = how[0]?.slice(2) ?? 'client-side';

    test(`after it was applied once, ${name}`, async () => {
      const list = rendered.replaceAll(PLACE, name);
      await makeNamespacesOf(list);
      const kubectl = (command: string) => server.api.kubectlWithInput(list, command, ...how, '--filename=-');
      await sameThreeTimes(list, () => kubectl('apply'));
      assert.equal(await kubectl('diff'), '');
    });
  }

  for (const version of HELM_VERSIONS) {
    for (const [index, group] of groupsOf(files, PARTS).entries()) {
      test(`after helm ${version} installed it: ${group.map(nameOf).join(', ')}`, async () => {
        await installThreeTimes(version, `helm-${version.replace('.', '-')}-${index}`, group);
      });
    }
  }
});

/** As parts of one chart, so that helm has to be started three times only. */
async function installThreeTimes(version: HelmVersion, release: string, group: string[]): Promise<void> {
  // An upgrade takes the first Job away.
  const parts = group.map(async (file) => [
    nameOf(file),
    { ...(await readValues(file)), runOnInstall: false },
  ]);
  const values = await Promise.all(parts);
  await using wrapper = await wrapperChart(Object.fromEntries(values));
  const text = await renderText({ helm: version, chart: wrapper.path, release, namespace: release });
  const list = listOf(inNamespace(release, text));
  await makeNamespacesOf(list);
  await sameThreeTimes(list, () =>
    server.helm(version, release, 'upgrade', '--install', UNCHECKED, release, wrapper.path),
  );
}

/** What every values file makes, each in a namespace of its own. */
async function renderAll(): Promise<string> {
  const all: Manifest[] = [];
  for (const file of files) {
    const release = `${nameOf(file)}-${PLACE}`;
    all.push(...inNamespace(release, await renderText({ file, release, namespace: release })));
  }
  return listOf(all);
}

/** Where an object that names no namespace comes to lie with its release. */
function inNamespace(namespace: string, text: string): Manifest[] {
  return parseManifests(text).map((manifest) => ({
    ...manifest,
    metadata: { namespace, ...manifest.metadata },
  }));
}

const listOf = (items: Manifest[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

/** Some objects may lie elsewhere than their release. */
function makeNamespacesOf(list: string): Promise<void> {
  const { items }: { items: Manifest[] } = JSON.parse(list);
  return makeNamespaces(server.api, ...new Set(items.flatMap(({ metadata }) => metadata.namespace ?? [])));
}

async function sameThreeTimes(list: string, install: () => Promise<string>): Promise<void> {
  await install();
  const first = await stored(list);
  await install();
  const second = await stored(list);
  await install();
  const third = await stored(list);
  assert.deepEqual(changes(first.map(withoutVersion), second.map(withoutVersion)), []);
  assert.deepEqual(changes(second, third), []);
}

function changes(then: Stored[], now: Stored[]): string[] {
  const changed = now.filter((object, index) => !isDeepStrictEqual(object, then[index]));
  return changed.map(
    ({ kind, metadata: { namespace, name, generation } }) =>
      `${kind} ${namespace}/${name}, now of generation ${generation}`,
  );
}

async function stored(list: string): Promise<Stored[]> {
  const got = await server.api.kubectlWithInput(list, 'get', '--filename=-', '--output=json');
  return JSON.parse(got).items;
}

/** Written for the second time a claim has its phase too, which a new one has only when it is read. */
const withoutVersion = (object: Stored): Stored => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: '' },
});

function groupsOf<T>(items: T[], size: number): T[][] {
  const starts = Array.from({ length: Math.ceil(items.length / size) }, (_, index) => index * size);
  return starts.map((start) => items.slice(start, start + size));
}
