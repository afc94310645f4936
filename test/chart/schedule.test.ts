import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { startApiServer } from '../support/kubernetes/apiserver.ts';
import { HELM_VERSIONS, renderCronJob, renderText } from './chart.ts';
import { problemsOf } from './schema.ts';
import { verdictOf } from './verdict.ts';

/** The schema and a real kube-apiserver agree on these. */
const TAKEN: string[] = [
  ['0 2 * * *', '59 23 31 12 6', '0 0 1 1 0', '00 02 01 01 00', '? ? ? ? ?', '* * * * *'],
  ['*/5 * * * *', '5/15 * * * *', '*/100 * * * *', '0-59/100 * * * *', '5-59/5 * * * *', '?/5 * * * *'],
  ['1-5 * * * *', '5-5 * * * *', '1,2,3 * * * *', '1,2-4,*/3 * * * *', '1/5,7/2 * * * *', '*,* * * * *'],
  ['0 0 1-31 1-12 0-6', '*/1 */1 */1 */1 */1', '1-5/2 1-5/2 1-5/2 1-5/2 1-5/2', '0 2 30 2 *'],
  ['0 2 * JAN *', '0 2 * jan-DEC *', '0 2 * Jan,feb *', '0 2 * dec *', '0 2 * mar-5 *'],
  ['0 2 * * MON', '0 2 * * mon-fri', '0 2 * * sun', '0 2 * * 1-fri', '0 2 * * mon/2', '0 0 * * sUn,MoN'],
  ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'],
  ['@every 1h', '@every 24h', '@every 1h30m', '@every 1.5h', '@every .5h', '@every 86400s', '@every 1µs'],
  // Blanks around and between them.
  [' 0 2 * * *', '0 2 * * * ', '0  2 * * *', '\t0\t2 * * *\n'],
].flat();

/** What is wrong with a schedule -> such schedules, which neither of them takes. */
const REFUSED: Record<string, string[]> = {
  'minute, the first field': [
    ['60 2 * * *', '99 2 * * *', 'H 2 * * *', '-5 2 * * *', '1.5 2 * * *', '*/0 * * * *', '*/00 * * * *'],
    ['5/0 * * * *', '5-59/0 * * * *', '0-60 * * * *', '1- * * * *', '1-2-3 * * * *', '1/2/3 * * * *'],
    ['/5 * * * *', '*/ * * * *', '** * * * *', '*5 * * * *', '1-* * * * *', 'MON 2 * * *'],
    ['*/99999999999999999999 * * * *'],
  ].flat(),
  'hour, the second field': ['0 24 * * *', '0 0-24 * * *', '0 2h * * *'],
  'day of the month, the third field': ['0 0 0 * *', '0 0 32 * *', '0 0 0-5 * *', '0 2 L * *', '0 2 15W * *'],
  'month, the fourth field': ['0 0 * 0 *', '0 0 * 13 *', '0 2 * january *', '0 2 * mon *'],
  'day of the week, the fifth field': [
    ['0 0 * * 7', '0 2 * * 0-7', '0 2 * * MON#1', '0 2 * * monday', '0 2 * * jan', '0 2 * * 5L'],
  ].flat(),
  'five fields': [
    '0 2 * *',
    '2',
    'daily',
    '"@hourly"',
    '"0 2 * * *"',
    '0 0 2 * * *',
    '0 2 * * * #x',
    '0 2 * * * TZ',
  ],
  'five fields .* timeZone': ['TZ=UTC 0 2 * * *', 'CRON_TZ=UTC 0 2 * * *'],
  '@hourly, @daily': [
    ['@Daily', '@EVERY 1h', '@reboot', '@daily @weekly', '@every', '@every  1h', '@every 1d', '@every 1'],
    ['@every 9999999h', '@every 1h 30m'],
  ].flat(),
};

/** kube-apiserver takes these, and each is a mistake: the chart has no use for them. */
const STRICTER = [
  ['1,,2 * * * *', '1, * * * *', '+5 2 * * *', '*-5 * * * *', '007 2 * * *'],
  // Never.
  [', * * * *', '0 2 * * ,'],
  // Every second.
  ['@every -1h'],
  // A space that does not break, as a web page has it.
  ['0\u00a02 * * *'],
].flat();

/** It knows what a pattern cannot: which of two ends comes first. */
const LEFT_TO_IT = ['5-2 * * * *', '0 22-4 * * *', '0 2 * * fri-mon', '0 2 * * sat-sun'];

const ofRun = (schedule: string): object => ({ schedule });
const ofDrill = (schedule: string): object => ({ drill: { schedule } });

for (const helm of HELM_VERSIONS) {
  for (const [key, valuesOf] of Object.entries({ '/schedule': ofRun, '/drill/schedule': ofDrill })) {
    test(`helm ${helm} takes and refuses as ${key} what a schedule is and is not`, async () => {
      const taken = [...TAKEN, ...LEFT_TO_IT, '', '  '];
      for (const [index, problems] of (await problemsOf(helm, taken.map(valuesOf))).entries()) {
        assert.deepEqual(problems, [], taken[index]);
      }
      for (const [what, schedules] of Object.entries({ ...REFUSED, '': STRICTER })) {
        for (const [index, problems] of (await problemsOf(helm, schedules.map(valuesOf))).entries()) {
          const [first] = problems;
          assert.equal(problems.length, 1, schedules[index]);
          assert.equal(first?.at, key);
          assert.match(first.said, new RegExp(what), schedules[index]);
        }
      }
    });
  }

  test(`helm ${helm} says of the whole chart what is wrong with a schedule`, async () => {
    const said = /\/schedule': value must be 'a schedule whose minute, the first field, is 0 to 59/;
    await assert.rejects(renderText({ helm, values: { schedule: '99 2 * * *' } }), said);
    await assert.rejects(renderText({ helm, values: { drill: { schedule: 'H 2 * * 0' } } }), said);
  });

  test(`helm ${helm}: blanks around a schedule are left out, and nothing but blanks is none`, async () => {
    const drill = { enabled: true, schedule: ' @weekly ' };
    const values = { schedule: '\t@daily ', drill };
    assert.equal((await renderCronJob({ helm, values })).spec.schedule, '@daily');
    assert.equal((await renderCronJob({ helm, values }, 'drill')).spec.schedule, '@weekly');
    const blank = await renderCronJob({ helm, values: { schedule: '  ' } });
    assert.deepEqual(blank, await renderCronJob({ helm }));
  });
}

const all = (schedules: string[], taken: boolean) => schedules.map((schedule) => [schedule, taken]);

test('a real kube-apiserver takes and refuses the same schedules', async () => {
  await using cluster = await startCluster();
  await using api = await startApiServer({ etcd: cluster });
  const verdict = await verdictOf(api);
  const cronJob = await renderCronJob();
  const judge = (schedules: string[]) =>
    Promise.all(
      schedules.map(async (schedule) => {
        // The template leaves out what stands around a schedule.
        const spec = { ...cronJob.spec, schedule: schedule.trim() };
        return [schedule, (await verdict({ ...cronJob, spec })) === undefined];
      }),
    );
  for (const schedules of [TAKEN, STRICTER]) assert.deepEqual(await judge(schedules), all(schedules, true));
  for (const schedules of [...Object.values(REFUSED), LEFT_TO_IT]) {
    assert.deepEqual(await judge(schedules), all(schedules, false));
  }
});
