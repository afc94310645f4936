import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openPage, type Page } from '../support/chromium.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { runCommand, assertCommandEnded } from './run-command.ts';
import { DAY, hundredManifests, inventedManifest, MIB, putInvented } from './invented-manifests.ts';

const SCHEMES = ['light', 'dark'] as const;
type Scheme = (typeof SCHEMES)[number];

/** What the page tells of itself, in the browser. */
const MEASURE = `JSON.stringify({
  page: getComputedStyle(document.body).backgroundColor,
  text: getComputedStyle(document.body).color,
  line: getComputedStyle(document.querySelector('svg .line') ?? document.body).stroke,
  svgs: [...document.querySelectorAll('svg')].map((svg) => svg.getBoundingClientRect()),
  bars: document.querySelectorAll('svg .bar').length,
  bands: document.querySelectorAll('svg .band').length,
  stretches: document.querySelector('svg .band')?.getAttribute('d').split('M').length - 1,
  gaps: document.querySelectorAll('svg')[0]?.querySelectorAll('.gap').length,
  runs: document.querySelector('.size .line')?.getAttribute('d').split('M').length - 1,
  outside: [...document.querySelectorAll('svg')].flatMap((svg) => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('circle, .bar, .band, text')].filter((shape) => {
      const { left, right, top, bottom } = shape.getBoundingClientRect();
      return left < box.left - 1 || right > box.right + 1 || top < box.top - 1 || bottom > box.bottom + 1;
    }).map((shape) => shape.outerHTML);
  }),
  invalid: [...document.querySelectorAll('svg *')].filter((one) => /NaN|undefined|Infinity/.test(one.outerHTML)).length,
  rows: document.querySelectorAll('tbody tr').length,
  overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
})`;

interface Box {
  width: number;
  height: number;
}

interface Seen {
  page: string;
  text: string;
  line: string;
  svgs: Box[];
  bars: number;
  bands: number;
  stretches: number;
  gaps: number;
  runs: number;
  outside: string[];
  invalid: number;
  rows: number;
  overflows: boolean;
}

async function look(file: string, scheme: Scheme, width = 1200): Promise<Seen> {
  await using page = await openPage();
  await page.send('Emulation.setDeviceMetricsOverride', {
    width,
    height: 900,
    deviceScaleFactor: 1,
    mobile: false,
  });
  await page.send('Emulation.setEmulatedMedia', {
    features: [{ name: 'prefers-color-scheme', value: scheme }],
  });
  const url = pathToFileURL(file).href;
  await page.send('Page.navigate', { url });
  await page.event('Page.loadEventFired');
  const { result } = await page.send('Runtime.evaluate', { expression: MEASURE });
  assertQuiet(page, url);
  assert.ok(typeof result === 'object' && result !== null && 'value' in result, JSON.stringify(result));
  return JSON.parse(String(result.value));
}

/** No word on the console, and nothing asked for but the page itself. */
function assertQuiet(page: Page, url: string): void {
  for (const event of ['Log.entryAdded', 'Runtime.consoleAPICalled', 'Runtime.exceptionThrown'])
    assert.deepEqual(page.events(event), [], event);
  const asked = page.events('Network.requestWillBeSent').map(({ documentURL }) => documentURL);
  assert.deepEqual(asked, [url]);
}

/** Of a colour as the browser tells it, from 0 to 255. */
const brightness = (colour: string): number =>
  (colour.match(/[\d.]+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;

describe('the page of the history in a browser', () => {
  const now = Date.now();
  let scratch: Scratch;

  async function pageOf(name: string, manifests: ReturnType<typeof hundredManifests>): Promise<string> {
    await putInvented(join(scratch.path, name, 'prod'), manifests);
    const env = { BACKUP_STORE: `file://${join(scratch.path, name)}` };
    const { stdout } = assertCommandEnded(
      await runCommand(['history', '--last', '100', '-o', 'html'], env),
      0,
    );
    const file = join(scratch.path, `${name}.html`);
    await writeFile(file, stdout);
    return file;
  }

  before(async () => {
    scratch = await scratchFolder('page');
  });

  after(() => scratch[Symbol.asyncDispose]());

  for (const scheme of SCHEMES) {
    test(`shows a hundred nights in ${scheme}, and asks nobody for anything`, async () => {
      const seen = await look(await pageOf(`hundred-${scheme}`, hundredManifests(now)), scheme);
      assert.equal(seen.svgs.length, 5);
      for (const { width, height } of seen.svgs) assert.ok(width > 900 && height > 180, `${width}x${height}`);
      assert.equal(seen.bars, 94);
      assert.equal(seen.bands, 2 * 8, 'seven resources and all others, live and history');
      assert.equal(seen.stretches, 11, 'and so do the bands, also where nobody looked inside');
      assert.equal(seen.gaps, 4);
      assert.equal(seen.runs, 7, 'the line begins anew after each gap and each restart');
      assert.deepEqual(seen.outside, []);
      assert.equal(seen.invalid, 0);
      assert.equal(seen.rows, 100);
      const [ground, text] = [brightness(seen.page), brightness(seen.text)];
      assert.ok(scheme === 'light' ? ground > 240 && text < 60 : ground < 40 && text > 200, seen.page);
      assert.ok(Math.abs(brightness(seen.line) - ground) > 60, `${seen.line} on ${seen.page}`);
    });
  }

  test('shows one night, also on a phone', async () => {
    const one = [inventedManifest({ at: now - DAY, database: { inUse: 100 * MIB, quota: 2048 * MIB } })];
    const seen = await look(await pageOf('one', one), 'light', 390);
    assert.equal(seen.svgs.length, 4);
    assert.deepEqual([seen.bars, seen.rows, seen.invalid, seen.overflows], [0, 1, 0, false]);
    assert.deepEqual(seen.outside, []);
  });

  test('says that there is nothing where there is nothing', async () => {
    const seen = await look(await pageOf('none', []), 'dark');
    assert.equal(seen.svgs.length, 0);
    assert.ok(brightness(seen.page) < 40);
  });

  test('shows nights that are all dated after now as a table alone', async () => {
    const seen = await look(await pageOf('future', [inventedManifest({ at: now + 9 * DAY })]), 'light');
    assert.deepEqual([seen.svgs.length, seen.rows], [0, 1]);
  });
});
