import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CHART, HELM_VERSIONS, parseManifests, render, type RenderOptions, renderText } from './chart.ts';
import { identity, type Server, startServer } from './server.ts';
import { EVERY_KIND } from './values.ts';
import { renderPart } from './wrapper.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Of that length, and different from the other ones of that length in the last letter alone. */
const releaseOf = (length: number, last: string): string =>
  `${'release-name-'.repeat(4)}x`.slice(0, length - 1) + last;

const LENGTHS = Array.from({ length: 14 }, (_, index) => 40 + index);
const ALIKE = LENGTHS.flatMap((length) => ['a', 'b'].map((last) => releaseOf(length, last)));
/** With that sign as the last one before the hash: of the objects, then of the drill, then of browse. */
const atTheCut = (sign: string): string[] =>
  [42, 43, 36, 37, 35].map((kept) => `${'a'.repeat(kept - 1)}${sign}${'b'.repeat(53 - kept)}`);

async function identities(options: RenderOptions): Promise<string[]> {
  return (await render({ values: EVERY_KIND, ...options })).map(identity);
}

let server: Server;

before(async () => {
  server = await startServer();
});

after(() => server[Symbol.asyncDispose]());

const dryRun = (manifests: string): Promise<string> =>
  server.api.kubectlWithInput(manifests, 'apply', '--dry-run=server', '--validate=strict', '--filename=-');

describe('releases of every length, and two of each that differ in the last letter', () => {
  for (const version of HELM_VERSIONS) {
    test(`helm ${version}: names of their own, which kube-apiserver takes`, async () => {
      const seen = new Set<string>();
      const all: string[] = [];
      // The names are the templates' doing: one helm shows every length, the other those that are cut.
      const shortest = version === '4.3' ? 0 : 47;
      const releases = [...ALIKE, ...atTheCut('-')].filter(({ length }) => length >= shortest);
      for (const release of releases) {
        const text = await renderText({ helm: version, release, values: EVERY_KIND });
        for (const manifest of parseManifests(text)) {
          const { kind, metadata } = manifest;
          assert.match(metadata.name, LABEL);
          if (kind === 'CronJob') assert.ok(metadata.name.length <= 52, metadata.name);
          assert.ok(!seen.has(identity(manifest)), `${identity(manifest)} of ${release} is another's`);
          seen.add(identity(manifest));
          for (const value of Object.values(metadata.labels)) assert.ok(value.length <= 63, value);
        }
        all.push(text);
      }
      const said = await dryRun(all.join('\n---\n'));
      assert.equal(said.match(/created \(server dry run\)/g)?.length, seen.size);
    });
  }
});

test('what belongs to one release begins alike, and refers to what is there', async () => {
  for (const release of ['short', releaseOf(46, 'a'), releaseOf(53, 'a')]) {
    const manifests = await render({ release, values: EVERY_KIND });
    const [fullname = ''] = manifests
      .filter(({ kind }) => kind === 'ServiceAccount')
      .map(({ metadata }) => metadata.name);
    const text = JSON.stringify(manifests);
    assert.match(text, new RegExp(`"serviceAccountName":"${fullname}"`));
    assert.match(text, new RegExp(`"claimName":"${fullname}-backups"`));
    const names = manifests.map(identity);
    assert.ok(names.includes(`PersistentVolumeClaim/${fullname}-backups`), names.join());
    assert.ok(names.includes(`ConfigMap/${fullname}-dashboard`), names.join());
    for (const kind of ['CronJob', 'NetworkPolicy', 'PrometheusRule'])
      assert.ok(names.includes(`${kind}/${fullname}`), names.join());
    for (const component of ['drill', 'browse']) {
      const own = manifests.filter(
        ({ metadata }) => metadata.labels['app.kubernetes.io/component'] === component,
      );
      const found = new Set(own.map(({ metadata }) => metadata.name));
      assert.equal(found.size, 1, 'a CronJob and its policy have one name');
    }
  }
});

test('a name that is cut ends in a hash of the whole, and its drill in the same', async () => {
  const [first] = await identities({ release: releaseOf(53, 'a') });
  const hash = /-[0-9a-f]{8}$/.exec(first ?? '')?.[0] ?? 'none';
  for (const name of await identities({ release: releaseOf(53, 'a') })) {
    assert.match(name, new RegExp(`${hash}(-drill|-browse|-backups|-dashboard)?$`));
  }
});

test('a name that is short enough is not touched: what was installed once keeps its objects', async () => {
  const release = releaseOf(40, 'a');
  const names = await identities({ release });
  assert.ok(names.includes(`CronJob/${release}-etcd-upkeep`), names.join());
  assert.ok(names.includes(`PersistentVolumeClaim/${release}-etcd-upkeep-backups`), names.join());
  const exactly = 'etcd-upkeep-'.padEnd(46, 'a');
  assert.ok((await identities({ release: exactly })).includes(`CronJob/${exactly}-drill`));
  const shorter = exactly.slice(0, 45);
  assert.ok((await identities({ release: shorter })).includes(`CronJob/${shorter}-browse`));
  // What the name of a longer one was before it had a hash.
  const known = 'a'.repeat(52);
  const kept = await identities({ release: 'r', values: { ...EVERY_KIND, fullnameOverride: known } });
  assert.ok(kept.includes(`PersistentVolumeClaim/${known}-backups`), kept.join());
});

test('dots of a release stay where they are, but not at a cut', async () => {
  for (const helmVersion of HELM_VERSIONS) {
    const named: string[] = [];
    const all: string[] = [];
    for (const release of ['team.etcd', 'a.b.etcd-upkeep', ...atTheCut('.')]) {
      const text = await renderText({ helm: helmVersion, release, values: EVERY_KIND });
      const manifests = parseManifests(text);
      named.push(...manifests.map(identity));
      for (const { metadata } of manifests) assert.match(metadata.name, SUBDOMAIN);
      all.push(text);
    }
    await dryRun(all.join('\n---\n'));
    assert.equal(new Set(named).size, named.length, named.join());
    assert.ok(named.includes('CronJob/team.etcd-etcd-upkeep'));
  }
});

test('overrides: what kube-apiserver refuses is refused before, by its key', async () => {
  const refused = ['Etcd_Upkeep', '-etcd', 'etcd-', 'a..b', 'a.-b', 'etcd upkeep', 'é'];
  for (const helmVersion of HELM_VERSIONS) {
    for (const name of refused) {
      const values = { fullnameOverride: name, nameOverride: name };
      await assert.rejects(render({ helm: helmVersion, values }), ({ message }: Error) => {
        for (const key of Object.keys(values))
          assert.match(message, new RegExp(`at '/${key}': '${name}' does not match`));
        return true;
      });
    }
    const taken = ['3-etcd', 'etcd.example', 'e'.repeat(70)].flatMap((name) => [
      renderText({ helm: helmVersion, values: { ...EVERY_KIND, fullnameOverride: name } }),
      renderText({ helm: helmVersion, values: { ...EVERY_KIND, nameOverride: name } }),
    ]);
    await dryRun((await Promise.all(taken)).join('\n---\n'));
  }
});

test('a part of another chart, under an alias that no object could be named by', async () => {
  for (const helmVersion of HELM_VERSIONS) {
    const options = { helm: helmVersion, release: 'r', values: EVERY_KIND };
    for (const manifest of await renderPart({ ...options, alias: 'etcd_Upkeep' })) {
      assert.match(manifest.metadata.name, /^r-etcd-upkeep(-drill|-browse|-backups|-dashboard)?$/);
      assert.equal(manifest.metadata.labels['app.kubernetes.io/name'], 'etcd_Upkeep');
    }
  }
});

test('the notes of the longest release name Jobs that can be made', async () => {
  const release = releaseOf(53, 'a');
  for (const version of HELM_VERSIONS) {
    const namespace = `notes-${version.replace('.', '-')}`;
    await server.api.kubectl('create', 'namespace', namespace);
    const notes = await server.helm(
      version,
      namespace,
      'install',
      release,
      CHART,
      '--set=drill.enabled=true,browse.enabled=true',
    );
    const commands = [...notes.matchAll(/^ {2}kubectl (.* create job .*[^\\\n])$/gm)].map(
      ([, command = '']) => command,
    );
    assert.equal(commands.length, 3);
    for (const command of commands) {
      const said = await server.api.kubectl(...command.split(' '), '--dry-run=server');
      assert.match(said, /^job\.batch\/\S+-by-hand created/);
    }
  }
});
