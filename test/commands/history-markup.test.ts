import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { markup } from '../../src/commands/history/markup.ts';
import {
  byteScale,
  countScale,
  durationScale,
  type Scale,
  speedScale,
} from '../../src/commands/history/scale.ts';
import { MIB } from './invented-manifests.ts';

test('whatever is put into markup is escaped, but for markup itself', () => {
  const inner = markup`<b>${'<script>'}</b>`;
  const { markup: text } =
    markup`<p title="${`"'&`}">${inner}${[inner]}${undefined}${1}${'a\u0000b\u001b[2J\nc'}</p>`;
  const escaped = '<b>&lt;script&gt;</b>';
  assert.equal(
    text,
    `<p title="&quot;&#39;&amp;">${escaped}${escaped}1a&lt;U+0000&gt;b&lt;U+001B&gt;[2J\nc</p>`,
  );
});

describe('a value axis', () => {
  const axes: [string, Scale, string[]][] = [
    ['bytes', byteScale(486 * MIB), ['0', '200 MiB', '400 MiB', '600 MiB']],
    ['gibibytes', byteScale(7.5 * 1024 * MIB), ['0', '2 GiB', '4 GiB', '6 GiB', '8 GiB']],
    ['few bytes', byteScale(20_480), ['0', '5 KiB', '10 KiB', '15 KiB', '20 KiB']],
    ['counts', countScale(14_395), ['0', '5 k', '10 k', '15 k']],
    ['seconds', durationScale(0.31), ['0', '0.1 s', '0.2 s', '0.3 s', '0.4 s']],
    ['minutes', durationScale(600), ['0', '2.5 min', '5 min', '7.5 min', '10 min']],
    ['speeds', speedScale(60 * MIB), ['0', '20 MiB/s', '40 MiB/s', '60 MiB/s']],
    ['nothing', countScale(0), ['0', '1']],
  ];
  for (const [what, { ticks, max }, labels] of axes) {
    test(`of ${what} has round figures and reaches over the greatest`, () => {
      assert.deepEqual(
        ticks.map(({ label }) => label),
        labels,
      );
      assert.ok(Math.abs((ticks.at(-1)?.value ?? 0) - max) < max * 1e-6);
    });
  }
});
