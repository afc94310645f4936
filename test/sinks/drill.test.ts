import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DrillFigures, tellOfDrill } from '../../src/sinks/drill.ts';
import { drilled } from '../support/drilled.ts';
import { type Pushgateway, startPushgateway } from '../support/pushgateway.ts';

let gateway: Pushgateway;
before(async () => {
  gateway = await startPushgateway();
});
after(() => gateway[Symbol.asyncDispose]());

const signal = AbortSignal.timeout(60_000);
const tell = (figures: DrillFigures, url = gateway.url) =>
  tellOfDrill(figures, 'prod', { pushgatewayUrl: new URL(url) }, signal);

/** The values of a metric by resource, or by '' where it has none; of drills alone. */
async function seriesOf(name: string): Promise<Record<string, number>> {
  const lines = (await gateway.metrics()).match(new RegExp(`^etcd_upkeep_${name}\\{.*$`, 'gm')) ?? [];
  const own = lines.filter(
    (line) => line.includes('cluster="prod"') && line.includes('job="etcd-upkeep-drill"'),
  );
  assert.equal(own.length, lines.length, lines.join('\n'));
  return Object.fromEntries(
    own.map((line) => [/resource="([^"]*)"/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]),
  );
}

test('what came of a drill is told in a group of its own, and a failed one leaves the last success', async () => {
  assert.equal(await tell(drilled()), undefined);
  assert.deepEqual(await seriesOf('drill_last_exit_code'), { '': 0 });
  assert.deepEqual(await seriesOf('drill_way_back_seconds'), { '': 5.5 });
  assert.deepEqual(await seriesOf('drill_stored_objects'), { secrets: 5, configmaps: 7, orphans: 3 });
  assert.deepEqual(await seriesOf('drill_served_objects'), { secrets: 5, configmaps: 7 });
  assert.deepEqual(await seriesOf('drill_unreadable_objects'), { secrets: 0, configmaps: 0, orphans: 0 });
  const success = await seriesOf('drill_last_success_timestamp_seconds');

  const resources = [{ resource: 'secrets', stored: 5, unreadable: { count: 4 } }];
  assert.equal(await tell({ exitCode: 4, resources }), undefined);
  assert.deepEqual(await seriesOf('drill_last_exit_code'), { '': 4 });
  assert.deepEqual(await seriesOf('drill_unreadable_objects'), { secrets: 4 });
  assert.deepEqual(await seriesOf('drill_last_success_timestamp_seconds'), success);
});

test('of many resources those come first of which something cannot be read', async () => {
  const many = Array.from({ length: 80 }, (_, at) => ({
    resource: `r${at}`,
    stored: 100 + at,
    served: 100 + at,
  }));
  const resources = [...many, { resource: 'secrets', stored: 1, unreadable: { count: 1 } }];
  assert.equal(await tell({ exitCode: 4, resources }), undefined);
  const told = await seriesOf('drill_unreadable_objects');
  assert.equal(Object.keys(told).length, 50);
  assert.equal(told['secrets'], 1);
  assert.equal(told['r79'], 0);
});

test('a gateway that is not there is told in words, and nobody has to wait for it', async () => {
  assert.match(
    (await tell(drilled(), 'http://127.0.0.1:1')) ?? '',
    /^not told of this drill: METRICS_PUSHGATEWAY_URL: 127\.0\.0\.1:1 could not be reached/,
  );
  assert.equal(await tellOfDrill(drilled(), 'prod', {}, signal), undefined);
});
