import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HELM_VERSIONS, type RenderOptions, renderText } from './chart.ts';
import { type Wrapper, wrapperChart } from './wrapper.ts';

/**
 * A deadline of 0 seconds is over at once, and a CronJob without time to start never does. So nothing that somebody takes
 * away may become a 0: not in the chart itself, and not where it is a part of another one under a name of its own, which
 * hears of a null on one helm and not on the other.
 */

const KEYS = [
  'startingDeadlineSeconds',
  'terminationGracePeriodSeconds',
  'activeDeadlineSeconds',
  'drill.activeDeadlineSeconds',
];

const ALIAS = 'keeper';
let whole: Wrapper;
before(async () => {
  whole = await wrapperChart({ [ALIAS]: {} });
});
after(() => whole[Symbol.asyncDispose]());

/** All fields of seconds that come out, the chart by itself and as a part. */
async function secondsOf(path: string, value: unknown, options: RenderOptions): Promise<string[][]> {
  const [key = '', inner] = path.split('.');
  const values = {
    ...(inner === undefined && { [key]: value }),
    drill: { enabled: true, ...(inner !== undefined && { [inner]: value }) },
  };
  const texts = [
    await renderText({ ...options, values }),
    await renderText({ ...options, values: { [ALIAS]: values }, chart: whole.path }),
  ];
  return texts.map((text) => text.match(/\w+(?:Deadline|GracePeriod)Seconds: .*/g) ?? []);
}

const DEFAULTS = [
  ['startingDeadlineSeconds: 7200', 'activeDeadlineSeconds: 18050', 'terminationGracePeriodSeconds: 60'],
  ['startingDeadlineSeconds: 7200', 'activeDeadlineSeconds: 7260', 'terminationGracePeriodSeconds: 10'],
  ['activeDeadlineSeconds: 3600'],
].flat();

for (const helm of HELM_VERSIONS) {
  for (const path of KEYS) {
    test(`helm ${helm}: ${path} is its default where it is null, and never 0`, async () => {
      for (const seconds of await secondsOf(path, null, { helm })) {
        assert.deepEqual(seconds.toSorted(), DEFAULTS.toSorted());
      }
      for (const seconds of await secondsOf(path, '', { helm, withoutSchema: true })) {
        assert.deepEqual(seconds.toSorted(), DEFAULTS.toSorted());
      }
      for (const nothing of [0, '0', '00']) {
        await assert.rejects(secondsOf(path, nothing, { helm }), new RegExp(`/${path.replace('.', '/')}': `));
      }
    });
  }

  test(`helm ${helm}: an empty activeDeadlineSeconds is what the timeouts add up to`, async () => {
    for (const seconds of await secondsOf('activeDeadlineSeconds', '', { helm })) {
      assert.deepEqual(seconds.toSorted(), DEFAULTS.toSorted());
    }
  });
}

for (const path of KEYS) {
  test(`${path} as text may begin with 0, and is not octal then`, async () => {
    for (const text of ['0100000', '00100000']) {
      for (const seconds of await secondsOf(path, text, {})) {
        const name = path.split('.').at(-1);
        assert.ok(seconds.includes(`${name}: 100000`), seconds.join(', '));
      }
    }
  });
}

test('no number of tries makes a deadline that is over at once', async () => {
  const text = await renderText({ values: { backoffLimit: 2_147_483_647 } });
  assert.match(text, /activeDeadlineSeconds: 2147483647\n/);
});
