import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { counted, type Revision } from './revisions.ts';

const pod = (name: string | number): string => `/registry/pods/shop/${name}`;

describe('the foremost keys', () => {
  test('are exact among many, whichever comes first', () => {
    const all = Array.from(
      { length: 40_000 },
      (_, at): Revision => ({ key: pod(at), main: at + 2, bytes: at }),
    );
    const largest = Array.from({ length: 50 }, (_, at) => ({ key: pod(39_999 - at), bytes: 39_999 - at }));
    for (const one of [all, all.toReversed()]) assert.deepEqual(counted(one)?.largest, largest);
  });

  test('are those of the values that keys have, not of those that they had', () => {
    const had = Array.from(
      { length: 5000 },
      (_, at): Revision => ({ key: pod(at), main: at + 2, bytes: 2 ** 20 }),
    );
    const gone = had.map(({ key, main }): Revision => ({ key, main: main + 10_000 }));
    const small = Array.from(
      { length: 60 },
      (_, at): Revision => ({ key: pod(`s${at}`), main: 9000, bytes: 99 - at }),
    );
    const largest = Array.from({ length: 50 }, (_, at) => ({ key: pod(`s${at}`), bytes: 99 - at }));
    for (const order of [
      [had, gone, small],
      [gone, had, small],
      [had, small, gone],
      [small, gone, had],
    ])
      assert.deepEqual(counted(order.flat())?.largest, largest);
  });

  test('by revisions are exact however few of them each key has at a time', () => {
    const all = Array.from(
      { length: 60_000 },
      (_, at): Revision => ({ key: pod(at % 6000), main: at + 2, bytes: 1 }),
    );
    const more = Array.from({ length: 60 }, (_, at): Revision[] =>
      Array.from({ length: at + 1 }, (_more, next) => ({ key: pod(at * 90), main: 70_000 + next, sub: at })),
    ).flat();
    const most = Array.from({ length: 50 }, (_, at) => ({ key: pod((59 - at) * 90), revisions: 70 - at }));
    for (const order of [
      [all, more],
      [more, all],
    ])
      assert.deepEqual(counted(order.flat())?.mostRevised, most);
  });

  test('are found as well where keys are long, and told as far as they are told', () => {
    const all = Array.from(
      { length: 4000 },
      (_, at): Revision => ({
        key: pod(at < 2000 ? at : `${String(at).padStart(5, '0')}${'x'.repeat(3000)}`),
        main: at + 2,
        bytes: at,
      }),
    );
    const [first] = counted(all)?.largest ?? [];
    assert.equal(first?.bytes, 3999);
    assert.equal(first?.key.length, 1024);
    assert.match(first?.key ?? '', /^\/registry\/pods\/shop\/03999x+\.\.\.$/);
  });
});
