import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { reportOf } from '../../src/run/report.ts';
import { newRunState } from '../../src/run/state.ts';
import { metricsOf } from '../../src/sinks/metrics.ts';
import { pushMetrics } from '../../src/sinks/pushgateway.ts';
import { writeTextfile } from '../../src/sinks/textfile.ts';
import type { Usage } from '../../src/bolt/usage/types.ts';
import { type Pushgateway, startPushgateway } from '../support/pushgateway.ts';
import { scratchFolder, type Scratch } from '../support/scratch-folder.ts';
import { fullUsage, usageOf } from '../support/usage.ts';

const NOW = new Date('2026-03-04T01:00:00Z');

const registryFor = (usage?: Usage) =>
  metricsOf(reportOf({ ...newRunState('1.2.3', NOW), ...(usage && { usage }) }, NOW), 'prod', NOW);

/** Each series of the metric as `resource kind value`. */
const seriesIn = (text: string): string[] =>
  (text.match(/^etcd_upkeep_usage_bytes\{.*$/gm) ?? [])
    .map((line) =>
      [/resource="([^"]*)"/, /kind="([^"]*)"/, / (\S+)$/].map((part) => part.exec(line)?.[1]).join(' '),
    )
    .toSorted();

test('what fills the database is told live and history, for no more than 51 resources', async () => {
  const few = seriesIn(await registryFor(usageOf({ pods: [500, 20], events: [0, 7] })).metrics());
  assert.deepEqual(few, ['events history 7', 'events live 0', 'pods history 20', 'pods live 500']);
  const many = seriesIn(await registryFor(fullUsage(80)).metrics());
  assert.equal(many.length, 51 * 2);
  assert.ok(many.includes('other live 12345') && many.includes('other history 678'), many.join('\n'));
});

describe('of a resource that is gone nothing stays', () => {
  let gateway: Pushgateway;
  let scratch: Scratch;
  before(async () => {
    [gateway, scratch] = await Promise.all([startPushgateway(), scratchFolder('usage')]);
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await scratch[Symbol.asyncDispose]();
  });

  const signal = AbortSignal.timeout(20_000);
  const ways = {
    'at a Pushgateway': async (usage?: Usage) => {
      const group = { job: 'etcd-upkeep', cluster: 'prod' };
      await pushMetrics(new URL(gateway.url), registryFor(usage), group, { signal });
      return gateway.metrics();
    },
    'in a file': async (usage?: Usage) => {
      const path = join(scratch.path, 'etcd.prom');
      await writeTextfile(path, registryFor(usage), signal);
      return readFile(path, 'utf8');
    },
  };
  for (const [where, tell] of Object.entries(ways)) {
    test(where, async () => {
      assert.equal(seriesIn(await tell(usageOf({ pods: [5, 1], jobs: [3, 0] }))).length, 4);
      const pods = ['pods history 2', 'pods live 6'];
      assert.deepEqual(seriesIn(await tell(usageOf({ pods: [6, 2] }))), pods);
      assert.deepEqual(seriesIn(await tell()), pods, 'a run that did not look keeps what the last one saw');
      assert.deepEqual(seriesIn(await tell(usageOf({}))), ['other history 0', 'other live 0']);
    });
  }
});
