import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Report } from '../../src/run/report.ts';
import { connectEtcd } from '../support/etcd-client.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { deleteAll } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { scratchFolder, type Scratch } from '../support/scratch-folder.ts';

const BACKUP_ONLY = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };

/** Nobody looks inside the backup, so etcd is asked. */
const BY_ASKING = { BACKUP_CHECK_STRUCTURE: 'false' };

const some = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}/default/o${index}`);

describe('objects', () => {
  let cluster: Cluster;
  let store: Scratch;

  before(async () => {
    [cluster, store] = await Promise.all([startCluster(), scratchFolder('store')]);
  });
  beforeEach(() => deleteAll(cluster, '/'));
  after(async () => {
    await cluster[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });

  async function put(keys: readonly string[]): Promise<void> {
    const client = await connectEtcd(cluster, cluster.member(0));
    try {
      for (const key of keys) await client.put(key).value('x');
    } finally {
      client.close();
    }
  }

  async function run(extra: Record<string, string> = {}): Promise<Report> {
    const env = { ...cluster.env, BACKUP_STORE: `file://${store.path}`, ...BACKUP_ONLY, ...extra };
    return assertRunEnded(await runJob(env), 0, 'nothing-needed');
  }

  test('are counted by resource, the most frequent first', async () => {
    await put([
      ...some('/registry/pods', 5),
      ...some('/registry/podtemplates', 2),
      '/registry/minions/cp-1',
      ...some('/registry/services/specs', 3),
      ...some('/registry/services/endpoints', 4),
      ...some('/registry/cert-manager.io/certificates', 6),
      ...some('/registry/cert-manager.io/issuers', 1),
      '/registry/health',
      '/other/pods/default/x',
      'compact_rev_key',
    ]);
    const { objects } = await run();
    assert.deepEqual(objects, {
      total: 23,
      byResource: {
        'certificates.cert-manager.io': 6,
        pods: 5,
        endpoints: 4,
        services: 3,
        podtemplates: 2,
        health: 1,
        'issuers.cert-manager.io': 1,
        nodes: 1,
      },
    });
    assert.deepEqual(Object.keys(objects?.byResource ?? {}).slice(0, 4), [
      'certificates.cert-manager.io',
      'pods',
      'endpoints',
      'services',
    ]);
  });

  test('are the same by the backup and by asking etcd', async () => {
    await put([
      ...some('/registry/pods', 2),
      ...some('/registry/events', 4),
      '/registry/apps.example/kinds/a',
      '/elsewhere/c',
    ]);
    assert.deepEqual((await run()).objects, (await run(BY_ASKING)).objects);
  });

  test('of strange names are counted too', async () => {
    const names = ['po ds', 'a"b', 'ü', 'x\ny', '', '日本.example/本'];
    await put(names.map((name) => `/registry/${name}/default/x`));
    const { objects } = await run();
    assert.equal(objects?.total, names.length);
    assert.deepEqual(Object.keys(objects.byResource).toSorted(), [
      '(no name)',
      'a"b',
      'po?ds',
      'x?y',
      'ü',
      '本.日本.example',
    ]);
  });

  test('of 300 custom resources cost one request for each, and the report names the largest', async () => {
    const resources = Array.from(
      { length: 300 },
      (_, index) => `group${index % 30}.example.com/kind${index}`,
    );
    await put([
      ...resources.map((resource) => `/registry/${resource}/default/x`),
      ...some('/registry/configmaps', 5),
    ]);
    const asked = await rangesServed();
    const { objects } = await run(BY_ASKING);
    assert.equal(objects?.total, 305);
    assert.equal(Object.keys(objects.byResource).length, 50);
    assert.equal(Object.keys(objects.byResource)[0], 'configmaps');
    const requests = (await rangesServed()) - asked;
    assert.ok(requests >= 300 && requests < 330, `${requests} Range requests`);
  });

  test('of more resources than anybody has cost no more than 500 requests, and the figures stay few', async () => {
    await put(Array.from({ length: 600 }, (_, index) => `/registry/kind${index}/default/x`));
    const asked = await rangesServed();
    const METRICS_TEXTFILE = join(store.path, 'etcd.prom');
    const { objects } = await run({ ...BY_ASKING, METRICS_TEXTFILE });
    assert.equal(objects?.total, 600);
    const requests = (await rangesServed()) - asked;
    assert.ok(requests <= 520, `${requests} Range requests`);
    const series = (await readFile(METRICS_TEXTFILE, 'utf8')).match(/^etcd_upkeep_objects\{.*$/gm) ?? [];
    assert.equal(series.length, 51);
    assert.match(series.at(-1) ?? '', /resource="other".*\} 550$/);
  });

  async function rangesServed(): Promise<number> {
    const answer = await fetch(`${cluster.member(0).clientUrl}/metrics`);
    const line = /^grpc_server_started_total\{grpc_method="Range".*\} (\S+)$/m.exec(await answer.text());
    return Number(line?.[1] ?? 0);
  }

  test('are told to be Events mostly where they are', async () => {
    await put([...some('/registry/events', 6), ...some('/registry/pods', 4)]);
    assert.match((await run()).objects?.note ?? '', /^60 % of all objects are Events: .*--event-ttl/);
    await put(some('/registry/secrets', 4));
    assert.equal((await run()).objects?.note, undefined);
  });

  test('below another prefix are found there, and nowhere else', async () => {
    await put([...some('/kubernetes.io/pods', 3), ...some('/registry/pods', 2)]);
    assert.deepEqual((await run({ OBJECT_PREFIX: '/kubernetes.io/' })).objects?.byResource, { pods: 3 });
    assert.equal((await run({ OBJECT_PREFIX: '/nowhere' })).objects?.total, 0);
  });

  test('are none in an empty cluster, and not counted where nobody wants them', async () => {
    assert.deepEqual((await run()).objects, { total: 0, byResource: {} });
    await put(some('/registry/pods', 2));
    assert.equal((await run({ OBJECT_COUNTS: 'false' })).objects, undefined);
  });
});
