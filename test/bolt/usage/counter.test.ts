import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '../../support/random.ts';
import { counted, countingIn, MIB, plainTotal, type Revision } from './revisions.ts';

const HISTORY: Revision[] = [
  { key: '/registry/pods/shop/web-0', main: 2, bytes: 100 },
  { key: '/registry/pods/shop/web-1', main: 3, bytes: 300 },
  { key: '/registry/pods/shop/web-0', main: 4, bytes: 120 },
  { key: '/registry/nodes/cp-1', main: 5, bytes: 50 },
  { key: '/registry/pods/shop/web-1', main: 6 },
  { key: '/registry/secrets/kube-system/token', main: 6, sub: 1, bytes: 10 },
  { key: '/registry/cert-manager.io/certificates/shop/tls', main: 7, bytes: 1 },
  { key: '/registry/services/specs/shop/web', main: 8, bytes: 2 },
  { key: 'compact_rev_key', main: 9, bytes: 4 },
];

describe('usage', () => {
  test('is told by resource, by namespace, and by key', () => {
    assert.deepEqual(counted(HISTORY), {
      total: { keys: 6, revisions: 9, liveBytes: 187, historyBytes: 400 },
      resources: [
        { resource: 'pods', keys: 1, revisions: 4, liveBytes: 120, historyBytes: 400 },
        { resource: 'nodes', keys: 1, revisions: 1, liveBytes: 50, historyBytes: 0 },
        { resource: 'secrets', keys: 1, revisions: 1, liveBytes: 10, historyBytes: 0 },
        { resource: '(other keys)', keys: 1, revisions: 1, liveBytes: 4, historyBytes: 0 },
        { resource: 'services', keys: 1, revisions: 1, liveBytes: 2, historyBytes: 0 },
        { resource: 'certificates.cert-manager.io', keys: 1, revisions: 1, liveBytes: 1, historyBytes: 0 },
      ],
      namespaces: [
        { namespace: 'shop', keys: 3, revisions: 6, liveBytes: 123, historyBytes: 400 },
        { namespace: '', keys: 2, revisions: 2, liveBytes: 54, historyBytes: 0 },
        { namespace: 'kube-system', keys: 1, revisions: 1, liveBytes: 10, historyBytes: 0 },
      ],
      largest: [
        { key: '/registry/pods/shop/web-0', bytes: 120 },
        { key: '/registry/nodes/cp-1', bytes: 50 },
        { key: '/registry/secrets/kube-system/token', bytes: 10 },
        { key: 'compact_rev_key', bytes: 4 },
        { key: '/registry/services/specs/shop/web', bytes: 2 },
        { key: '/registry/cert-manager.io/certificates/shop/tls', bytes: 1 },
      ],
      mostRevised: [
        { key: '/registry/pods/shop/web-0', revisions: 2 },
        { key: '/registry/pods/shop/web-1', revisions: 2 },
        { key: '/registry/cert-manager.io/certificates/shop/tls', revisions: 1 },
        { key: '/registry/nodes/cp-1', revisions: 1 },
        { key: '/registry/secrets/kube-system/token', revisions: 1 },
        { key: '/registry/services/specs/shop/web', revisions: 1 },
        { key: 'compact_rev_key', revisions: 1 },
      ],
    });
  });

  test('is as of a revision, without the lock of the run itself and without keys that have no bytes', () => {
    const others: Revision[] = [
      { key: '/registry/pods/shop/web-0', main: 11, bytes: 9 },
      { key: 'etcd-upkeep/lock', main: 10, bytes: 9 },
      { key: 'etcd-upkeep/lock/1', main: 10, bytes: 9 },
      { key: '', main: 10, bytes: 9 },
    ];
    const revision = 10;
    assert.deepEqual(counted([...HISTORY, ...others], { revision }), counted(HISTORY, { revision }));
  });

  test('of a key that was made again, or changed twice in one transaction, is of its last value', () => {
    const key = '/registry/pods/shop/web';
    const all: Revision[] = [
      { key, main: 2, bytes: 7 },
      { key, main: 3 },
      { key, main: 4, bytes: 5 },
      { key, main: 5 },
      { key, main: 5, sub: 1, bytes: 3 },
    ];
    for (const one of [all, all.toReversed()]) {
      const usage = counted(one);
      assert.deepEqual(usage?.total, { keys: 1, revisions: 5, liveBytes: 3, historyBytes: 12 });
      assert.deepEqual([usage?.largest, usage?.mostRevised], [[{ key, bytes: 3 }], [{ key, revisions: 5 }]]);
    }
  });

  test('goes beyond what 32 bits hold', () => {
    const all = Array.from({ length: 9 }, (_, at) => ({
      key: '/registry/a/b',
      main: at + 2,
      bytes: 2 ** 30,
    }));
    assert.deepEqual(counted(all)?.total, {
      keys: 1,
      revisions: 9,
      liveBytes: 2 ** 30,
      historyBytes: 2 ** 33,
    });
  });

  test('needs a prefix of its own where Kubernetes has one', () => {
    const all = [
      { key: '/k8s/pods/shop/web', main: 2, bytes: 1 },
      { key: '/registry/pods/a/b', main: 3, bytes: 1 },
    ];
    const usage = counted(all, { objectPrefix: '/k8s/' });
    assert.deepEqual(
      usage?.resources.map(({ resource }) => resource),
      ['(other keys)', 'pods'],
    );
    assert.deepEqual(
      usage?.namespaces.map(({ namespace }) => namespace),
      ['', 'shop'],
    );
  });
});

test('a namespace is only what something follows', () => {
  const spaces: [key: string, namespace: string][] = [
    ['pods/shop/web', 'shop'],
    ['pods/shop/web/x', 'shop'],
    ['pods/shop/', ''],
    ['pods/shop', ''],
    ['pods', ''],
    ['', ''],
    ['pods//web', ''],
    ['services/specs/shop/web', 'shop'],
    ['services/specs/web', ''],
    ['apiextensions.k8s.io/customresourcedefinitions/certificates.cert-manager.io', ''],
    ['cert-manager.io/certificates/shop/tls', 'shop'],
  ];
  for (const [key, namespace] of spaces) {
    const usage = counted([{ key: `/registry/${key}`, main: 2, bytes: 1 }]);
    assert.equal(usage?.namespaces[0]?.namespace, namespace, key);
  }
});

test('revisions are counted right in whatever order they come', () => {
  const random = seeded(7);
  const history = Array.from({ length: 30_000 }, (_, at): Revision => {
    const number = Math.floor(random.next() ** 2 * 9000);
    const bytes = random.next() < 0.1 ? undefined : random.below(5000);
    return { key: `/registry/pods/ns-${number % 70}/pod-${number}`, main: 2 + at, sub: 0, bytes };
  });
  const inOrder = counted(history);
  assert.deepEqual(inOrder?.total, plainTotal(history));
  assert.equal(inOrder?.namespaces.length, 51);
  for (const seed of [1, 2, 3]) assert.deepEqual(counted(seeded(seed).shuffled(history)), inOrder);
  assert.deepEqual(counted(history.toReversed()), inOrder);
});

const many = (count: number): Revision[] =>
  Array.from({ length: count }, (_, at) => ({ key: `/registry/pods/shop/${at}`, main: at + 2, bytes: 1 }));

describe('memory', () => {
  test('that is not enough means that nothing is told', () => {
    assert.equal(counted(many(1), { maxBytes: 1 * MIB }), undefined);
    assert.equal(counted(many(1), { maxBytes: 6 * MIB })?.total.keys, 1);
    assert.equal(counted(many(200_000), { maxBytes: 6 * MIB }), undefined);
  });

  test('that it had taken is left to the others then', () => {
    const counting = countingIn({ maxBytes: 6 * MIB });
    for (const one of many(200_000)) counting.see(one);
    assert.equal(counting.usage(), undefined);
    // The numbers of the keys alone.
    assert.equal(counting.takenBytes(), 200_000 * 8 + 2 ** 18 * 4);
  });

  test('is about 40 bytes a key, the growth included', () => {
    const counter = countingIn({ maxBytes: 128 * MIB });
    const before = counter.takenBytes();
    for (const one of many(200_000)) counter.see(one);
    const each = (counter.takenBytes() - before) / 200_000;
    assert.ok(before < 4 * MIB && each < 42, `${before} and ${each} bytes`);
    assert.equal(counter.usage()?.total.keys, 200_000);
  });

  test('is the same for a million resources and namespaces: what comes late is other', () => {
    const all = Array.from({ length: 60_000 }, (_, at) => ({
      key: `/registry/r${at}/n${at}/${'x'.repeat(2000)}`,
      main: at + 2,
      bytes: 1,
    }));
    const counter = countingIn({ maxBytes: 128 * MIB });
    for (const one of all) counter.see(one);
    assert.ok(counter.takenBytes() < 16 * MIB);
    const usage = counter.usage(100_000);
    assert.deepEqual([usage?.resources.length, usage?.resources.at(-1)?.resource], [4095, 'other']);
    assert.equal(usage?.resources.at(-1)?.keys, 60_000 - 4094);
    assert.equal(usage?.namespaces.at(-1)?.namespace, 'other');
  });
});
