import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterStatus } from '../../src/etcd/types.ts';
import { judge } from '../../src/plan/plan.ts';
import { member, policyOf, threeMembers } from '../support/cluster-status.ts';

/** kube-apiserver compacted to `value` at `modRevision`. */
const keyed = (value: number, modRevision: number, revision = 50_000): ClusterStatus =>
  threeMembers([], { compactRevKey: { kind: 'known', value, modRevision }, revision });

const retention = (revisions: number) => policyOf({ COMPACTION_RETENTION: String(revisions) });
const planned = (view: ClusterStatus, revisions: number) => judge(view, retention(revisions)).steps.compact;

describe('the window', () => {
  const own = 'COMPACTION_RETENTION';
  const kubernetes = 'kube-apiserver';
  const rows: [name: string, view: ClusterStatus, revisions: number, window: number, from: string][] = [
    ['is COMPACTION_RETENTION where no kube-apiserver compacts', threeMembers(), 10_000, 10_000, own],
    ['is COMPACTION_RETENTION where kube-apiserver keeps less', keyed(44_000, 45_000), 10_000, 10_000, own],
    [
      'is COMPACTION_RETENTION where kube-apiserver keeps the same',
      keyed(35_000, 45_000),
      10_000,
      10_000,
      own,
    ],
    [
      'is what kube-apiserver keeps where that is one more',
      keyed(34_999, 45_000),
      10_000,
      10_001,
      kubernetes,
    ],
    ['is what kube-apiserver keeps where nothing is to be kept', keyed(44_000, 45_000), 0, 1_000, kubernetes],
    [
      'is what kube-apiserver kept when it last ran, long ago',
      keyed(1_000, 1_900, 90_000),
      500,
      900,
      kubernetes,
    ],
    ['is all there is where kube-apiserver has only begun', keyed(0, 45_000), 10_000, 45_000, kubernetes],
    ['may be nothing at all where no kube-apiserver compacts', threeMembers(), 0, 0, own],
  ];
  for (const [name, view, revisions, window, windowFrom] of rows) {
    test(name, () => {
      const plan = judge(view, retention(revisions));
      assert.deepEqual(plan.steps.compact, {
        do: true,
        reason: `keeps ${window} revisions (${windowFrom})`,
      });
      assert.deepEqual(plan.window, { window, windowFrom });
    });
  }

  test('is told too when nothing is compacted', () => {
    const { window, windowFrom } = judge(keyed(0, 45_000), policyOf({ COMPACTION_ENABLED: 'false' })).window;
    assert.deepEqual([window, windowFrom], [45_000, 'kube-apiserver']);
  });
});

/** Nobody told how much kube-apiserver keeps. */
const unknown = (revision: number) =>
  threeMembers([], { compactRevKey: { kind: 'unknown', message: 'a (61): no answer' }, revision });

describe('what kube-apiserver keeps is unknown, so nothing is compacted', () => {
  test('however long the history is, and the reason says why', () => {
    for (const revision of [1, 50_000]) {
      const decision = planned(unknown(revision), 10);
      assert.deepEqual(decision.do ? 'do' : decision.status, 'refused');
      assert.match(
        decision.reason,
        /^kube-apiserver's compact_rev_key could not be read \(a \(61\): no answer\)/,
      );
    }
  });

  test('where nothing is to be compacted anyway that is told instead', () => {
    const { compact } = judge(unknown(50_000), policyOf({ COMPACTION_ENABLED: 'false' })).steps;
    assert.equal(compact.reason, 'COMPACTION_ENABLED is false');
  });
});

describe('there is nothing to compact', () => {
  test('while all of the history is within the window', () => {
    for (const revision of [1, 9_999, 10_000]) {
      assert.deepEqual(planned(threeMembers([], { revision }), 10_000), {
        do: false,
        status: 'skipped',
        reason: `nothing to do: revision ${revision} is within the 10000 revisions to keep (COMPACTION_RETENTION)`,
      });
    }
    assert.equal(planned(threeMembers([], { revision: 10_001 }), 10_000).do, true);
  });

  test('while all of the history is within what kube-apiserver keeps', () => {
    assert.match(planned(keyed(0, 45_000, 45_000), 10).reason, /^nothing to do: .* \(kube-apiserver\)$/);
  });

  test('when it is switched off', () => {
    const { compact } = judge(threeMembers(), policyOf({ COMPACTION_ENABLED: 'false' })).steps;
    assert.equal(compact.do ? 'do' : compact.status, 'skipped');
    assert.equal(compact.reason, 'COMPACTION_ENABLED is false');
  });
});

test('a cluster in the middle of an upgrade is compacted', () => {
  const view = threeMembers([member('b', { status: { version: '3.5.30' } })]);
  assert.equal(planned(view, 10_000).do, true);
});

test('a retention shorter than that of kube-apiserver is told, with both numbers', () => {
  const { warnings } = judge(keyed(44_000, 45_000), retention(100));
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? '',
    /^COMPACTION_RETENTION \(100\) is less than the 1000 revisions that kube-apiserver/,
  );
  assert.deepEqual(judge(keyed(44_000, 45_000), retention(1_000)).warnings, []);
  assert.deepEqual(judge(keyed(44_000, 45_000), policyOf({ COMPACTION_ENABLED: 'false' })).warnings, []);
});
