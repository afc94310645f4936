import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/config.ts';
import { discover, type ClusterClient } from '../../src/etcd/cluster/discover.ts';
import { objectsIn } from '../../src/run/objects.ts';
import { reportOf } from '../../src/run/report.ts';
import { newRunState, type RunState } from '../../src/run/state.ts';
import { readStatistics } from '../../src/run/statistics.ts';
import { tableOf } from '../../src/run/table.ts';
import { terminationMessage } from '../../src/run/termination.ts';
import { CLUSTER } from '../backup/sample.ts';
import { emptyStore } from '../backup/small-store.ts';
import { connectEtcd } from '../support/etcd-client.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { MIB } from '../support/units.ts';
import { fullUsage, usageOf } from '../support/usage.ts';

const stateWith = (changes: Partial<RunState>): RunState => ({
  ...newRunState('1.2.3', new Date('2026-03-04T01:00:00Z')),
  ...changes,
});
const reportFor = (changes: Partial<RunState>) =>
  reportOf(stateWith(changes), new Date('2026-03-04T01:00:12Z'));

describe('what fills the database', () => {
  test('is in the report, of the largest and the most revised keys ten each', () => {
    const usage = fullUsage(80);
    const told = reportFor({ usage }).usage ?? assert.fail('no usage');
    assert.deepEqual(told.total, usage.total);
    assert.deepEqual([told.resources.length, told.namespaces.length], [51, 50]);
    assert.deepEqual(told.largest, usage.largest.slice(0, 10));
    assert.deepEqual(told.mostRevised, usage.mostRevised.slice(0, 10));
    assert.equal(reportFor({}).usage, undefined);
  });

  test('is not in the termination message, which has room for the outcome alone', () => {
    assert.equal(
      terminationMessage(reportFor({ usage: fullUsage(1024) })),
      terminationMessage(reportFor({})),
    );
  });

  test('is one line of the table', () => {
    const line = (...args: Parameters<typeof usageOf>): string =>
      tableOf(reportFor({ usage: usageOf(...args) }));
    assert.match(
      line({ pods: [100 * MIB, 20 * MIB], events: [50 * MIB, 0], secrets: [5 * MIB, MIB] }),
      /^176\.0 MiB in values, 21\.0 MiB of them history: pods 120\.0 MiB, events 50\.0 MiB, secrets 6\.0 MiB$/m,
    );
    assert.match(tableOf(reportFor({ usage: fullUsage(80) })), /: (kind\d\S+ \d\S+ MiB, ){5}\.\.\.$/m);
    assert.match(line({}), /^0 B in values, 0 B of them history$/m);
    assert.match(line({ '\u001b[2Jx': [1, 0] }), /: <U\+001B>\[2Jx 1 B$/m);
  });
});

test('keys elsewhere and resources that are history alone are no objects', () => {
  const { byResource, total } = objectsIn(
    usageOf({
      pods: [10, 0, 5],
      jobs: [0, 99, 0],
      '(other keys)': [7, 0, 3],
      other: [1, 1, 20],
      nodes: [1, 0, 6],
    }),
  );
  assert.deepEqual([Object.fromEntries(byResource), total], [{ pods: 5, nodes: 6 }, 31]);
});

describe('the objects of a run', () => {
  let cluster: Cluster;
  let client: ClusterClient;

  before(async () => {
    cluster = await startCluster();
    const keys = await connectEtcd(cluster, cluster.member(0));
    for (const name of ['pods/a', 'pods/b', 'events/c']) await keys.put(`/registry/${name}`).value('x');
    keys.close();
    client = await discover(loadConfig(cluster.env).etcd, new AbortController().signal);
  });
  after(async () => {
    client.close();
    await cluster[Symbol.asyncDispose]();
  });

  async function rangesServed(): Promise<number> {
    const answer = await fetch(`${cluster.member(0).clientUrl}/metrics`);
    const line = /^grpc_server_started_total\{grpc_method="Range".*\} (\S+)$/m.exec(await answer.text());
    return Number(line?.[1] ?? 0);
  }

  /** What a run that backed up knows of objects, and how often it asked etcd for keys. */
  async function counted(changes: Partial<RunState>, env: Record<string, string> = {}) {
    await using place = await emptyStore();
    const [member] = client.members;
    assert.ok(member);
    const backup = {
      name: '20260304T010000Z-1.db.zst',
      store: place.store.location,
      member: { id: member.id, name: member.name },
      revision: 1,
      rawBytes: 1,
      storedBytes: 1,
      megabytesPerSecond: 1,
      streamSeconds: 1,
      readBackSeconds: 1,
    };
    const state = stateWith({ backup, ...changes });
    const asked = await rangesServed();
    await readStatistics(state, {
      config: loadConfig({ ...cluster.env, ...env }),
      client,
      store: place.store,
      clusterName: CLUSTER.name,
      log: pino({ level: 'silent' }),
      signal: new AbortController().signal,
    });
    assert.deepEqual(state.warnings, []);
    return { objects: state.objects, requests: (await rangesServed()) - asked };
  }

  test('are those that the backup holds, and etcd is not asked', async () => {
    const usage = usageOf({ pods: [500, 10, 2], events: [900, 10, 7], '(other keys)': [3, 0, 4] });
    const { objects, requests } = await counted({ usage });
    assert.deepEqual([objects?.total, objects?.byResource], [9, { events: 7, pods: 2 }]);
    assert.deepEqual(Object.keys(objects?.byResource ?? {}), ['events', 'pods']);
    assert.match(objects?.note ?? '', /^77 % of all objects are Events: /);
    assert.equal(requests, 0);
  });

  test('are asked of etcd where nobody looked into the backup', async () => {
    const { objects, requests } = await counted({});
    assert.deepEqual(objects, { total: 3, byResource: { pods: 2, events: 1 } });
    assert.equal(requests, 3);
  });

  test('are not counted where nobody wants them, by neither way', async () => {
    const env = { OBJECT_COUNTS: 'false' };
    for (const changes of [{}, { usage: usageOf({ pods: [500, 10, 2] }) }])
      assert.deepEqual(await counted(changes, env), { objects: undefined, requests: 0 });
  });
});
