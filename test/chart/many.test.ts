import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HELM_VERSIONS, renderText } from './chart.ts';
import { renderTexts } from './many.ts';
import { EVERY_KIND } from './values.ts';

const ROWS: object[] = [
  {},
  EVERY_KIND,
  { backup: { timeout: null, persistence: null }, podLabels: null, suspend: null },
  { ...EVERY_KIND, clusterName: 'a', nameOverride: 'keeper' },
];

/** Between them the versions of helm differ in their blank lines. */
const objectsOf = (text: string): string[] => text.split(/^---$/m).map((object) => object.trim());

for (const helm of HELM_VERSIONS) {
  test(`helm ${helm} makes of each of many values what it makes of them alone`, async () => {
    const texts = await renderTexts(ROWS, { helm });
    assert.equal(texts.length, ROWS.length);
    for (const [index, values] of ROWS.entries()) {
      assert.deepEqual(objectsOf(texts[index] ?? ''), objectsOf(await renderText({ helm, values })));
    }
  });
}
