import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alarm, ClusterStatus } from '../../src/etcd/types.ts';
import { judge } from '../../src/plan/plan.ts';
import {
  idOf,
  member,
  mismatch,
  policyOf,
  unstarted,
  threeMembers,
  clusterOf,
  withoutLeader,
} from '../support/cluster-status.ts';

const applied = (raftAppliedIndex: number) => ({ status: { raftAppliedIndex } });
const sick = (name: string, raftAppliedIndex = 1) =>
  member(name, { problem: 'it lags', ...applied(raftAppliedIndex) });
const down = (name: string) => member(name, { problem: 'it does not answer', status: null });
const corrupt = (...names: string[]): Alarm[] =>
  names.map((name) => ({ memberId: idOf(name), type: 'CORRUPT' }));

const planned = (view: ClusterStatus) => judge(view, policyOf()).steps.backup;
const order = (view: ClusterStatus) => judge(view, policyOf()).sources.map(({ member: { name } }) => name);
const source = (view: ClusterStatus) => order(view)[0];

describe('the snapshot comes from', () => {
  const rows: [from: string, name: string, view: ClusterStatus][] = [
    [
      'b',
      'a follower, not the leader, whatever the leader has applied',
      threeMembers([member('a', applied(70_009))]),
    ],
    ['c', 'the follower that has applied most', threeMembers([member('c', applied(70_001))])],
    ['a', 'the leader when no follower is well', threeMembers([sick('b'), sick('c')])],
    ['c', 'a follower that is well rather than one that lags', threeMembers([sick('b', 80_000)])],
    ['a', 'the only member', clusterOf([member('a')])],
    ['a', 'the leader rather than a learner', clusterOf([member('a'), member('d', { learner: true })])],
    ['a', 'the leader when the others do not answer', threeMembers([down('b'), down('c')])],
    [
      'c',
      'whoever answers when the rest is gone',
      withoutLeader(threeMembers([down('a'), down('b'), sick('c')])),
    ],
    [
      'b',
      'the one that has applied most when none is well',
      threeMembers([sick('a', 5), sick('b', 9), sick('c', 7)]),
    ],
    [
      'a',
      'the leader, if it has applied most and none is well',
      threeMembers([sick('a', 9), sick('b', 2), sick('c', 7)]),
    ],
    [
      'b',
      'a follower, if none is well and all have applied the same',
      threeMembers([sick('a'), sick('b'), sick('c')]),
    ],
    ['c', 'a follower that CORRUPT does not accuse', threeMembers([], { alarms: corrupt('b') })],
    ['a', 'the leader when CORRUPT accuses the followers', threeMembers([], { alarms: corrupt('b', 'c') })],
    [
      'c',
      'one that lags rather than one that CORRUPT accuses',
      threeMembers([sick('c')], { alarms: corrupt('a', 'b') }),
    ],
    [
      'b',
      'an accused member when no other answers',
      threeMembers([down('a'), down('c')], { alarms: corrupt('b') }),
    ],
    ['c', 'a follower of the majority', threeMembers([], { hashes: mismatch('a', 'c') })],
    [
      'a',
      'the leader when it is all of the majority that answers',
      threeMembers([down('c')], { hashes: mismatch('a', 'c') }),
    ],
    ['c', 'one of the majority that lags', threeMembers([sick('c')], { hashes: mismatch('c') })],
    ['b', 'a follower where no majority agrees', threeMembers([], { hashes: mismatch() })],
    [
      'b',
      'a follower where CORRUPT names no member',
      threeMembers([], { alarms: [{ memberId: '0', type: 'CORRUPT' }] }),
    ],
    [
      'b',
      'a follower in a cluster that is full',
      threeMembers([], { alarms: [{ memberId: idOf('b'), type: 'NOSPACE' }] }),
    ],
  ];
  for (const [from, name, view] of rows) {
    test(name, () => {
      assert.equal(planned(view).do, true);
      assert.equal(source(view), from);
    });
  }
});

describe('where it breaks off it may be begun once more at', () => {
  const rows: [order: string, name: string, view: ClusterStatus][] = [
    ['b,c,a', 'the other follower, then the leader', threeMembers()],
    ['c,a,b', 'the leader rather than a follower that lags', threeMembers([sick('b', 80_000)])],
    ['b,a', 'nobody who does not answer', threeMembers([down('c')])],
    ['a', 'nobody else, of a cluster of one', clusterOf([member('a')])],
    ['a', 'no learner', clusterOf([member('a'), member('d', { learner: true })])],
    ['b,a', 'nobody whom CORRUPT accuses', threeMembers([], { alarms: corrupt('c') })],
    ['c,a', 'nobody outside of the majority', threeMembers([], { hashes: mismatch('a', 'c') })],
    ['b,c,a', 'any of them where no majority agrees', threeMembers([], { hashes: mismatch() })],
    ['b', 'nobody else where CORRUPT accuses all', threeMembers([], { alarms: corrupt('a', 'b', 'c') })],
  ];
  for (const [expected, name, view] of rows) test(name, () => assert.equal(order(view).join(), expected));

  test('nobody, where there is to be no backup', () => {
    const policy = policyOf({ BACKUP_ENABLED: 'false', BACKUP_SKIP_CONFIRMED: 'true' });
    assert.deepEqual(judge(threeMembers(), policy).sources, []);
  });

  test('with the doubts about each', () => {
    const { sources } = judge(threeMembers([sick('c')]), policyOf());
    assert.deepEqual(
      sources.map(({ member: { name }, doubts }) => [name, doubts.join()]),
      [
        ['b', ''],
        ['a', ''],
        ['c', 'it is not well itself: it lags'],
      ],
    );
  });
});

describe('the reason says', () => {
  test('who it is, what it is and how far it is', () => {
    assert.equal(planned(threeMembers()).reason, 'from b (62), a follower, at revision 50000');
    assert.match(planned(clusterOf([member('a')])).reason, /^from a \(61\), the leader, at revision 50000$/);
  });

  test('what is wrong with a member that is not well itself', () => {
    assert.match(
      planned(threeMembers([sick('a'), sick('b'), sick('c')])).reason,
      /; it is not well itself: it lags$/,
    );
  });

  test('that the only member left is accused of corruption', () => {
    const { reason } = planned(threeMembers([down('a'), down('c')], { alarms: corrupt('b') }));
    assert.match(reason, /^from b .*; a CORRUPT alarm accuses it, and no other voting member answers$/);
  });

  test('that nobody knows which copy is right', () => {
    assert.equal(
      planned(threeMembers([], { hashes: mismatch() })).reason,
      'from b (62), a follower, at revision 50000; no majority holds the same data, so nobody can say whether this copy ' +
        'is the right one',
    );
    assert.doesNotMatch(planned(threeMembers([], { hashes: mismatch('a', 'c') })).reason, /majority/);
  });

  test('that the majority cannot be used', () => {
    const view = threeMembers([], { hashes: mismatch('a', 'c'), alarms: corrupt('a', 'c') });
    assert.equal(source(view), 'b');
    assert.match(planned(view).reason, /the majority holds other data, but none of it can be used/);
  });
});

describe('there is no backup', () => {
  test('when no voting member answers, and each of them is named with its reason', () => {
    const learner = member('d', { learner: true });
    const backup = planned(withoutLeader(clusterOf([down('a'), unstarted('f00d'), learner])));
    assert.deepEqual(backup, {
      do: false,
      status: 'refused',
      reason:
        'no voting member can serve a snapshot (a (61): it does not answer; f00d: it was added and never started: ' +
        'it has no name and no client URLs)',
    });
  });

  test('when the operator has switched it off, and then nothing is pruned either', () => {
    const plan = judge(threeMembers(), policyOf({ BACKUP_ENABLED: 'false', BACKUP_SKIP_CONFIRMED: 'true' }));
    const skipped = { do: false, status: 'skipped', reason: 'BACKUP_ENABLED is false' };
    assert.deepEqual([plan.steps.backup, plan.steps.prune], [skipped, skipped]);
    assert.equal(plan.steps.compact.do, true);
  });
});

const pruning = (view: ClusterStatus, env = {}) => judge(view, policyOf(env)).steps.prune;

describe('old backups', () => {
  test('are pruned by the rules that are set', () => {
    assert.deepEqual(pruning(threeMembers()), { do: true, reason: 'keeps BACKUP_KEEP_LAST=7' });
    assert.equal(
      pruning(threeMembers(), { BACKUP_KEEP_LAST: '0', BACKUP_KEEP_DAILY: '1', BACKUP_KEEP_MONTHLY: '12' })
        .reason,
      'keeps BACKUP_KEEP_DAILY=1, BACKUP_KEEP_MONTHLY=12',
    );
  });

  test('are pruned although a member is down, or an upgrade is under way: the disk would fill', () => {
    assert.equal(pruning(threeMembers([down('b')])).do, true);
    assert.equal(pruning(threeMembers([member('b', { status: { version: '3.5.30' } })])).do, true);
    assert.equal(pruning(threeMembers([], { alarms: [{ memberId: idOf('b'), type: 'NOSPACE' }] })).do, true);
  });

  test('are all kept when every rule is 0', () => {
    const decision = pruning(threeMembers([], { alarms: corrupt('a') }), { BACKUP_KEEP_LAST: '0' });
    assert.deepEqual(decision, {
      do: false,
      status: 'skipped',
      reason: 'every BACKUP_KEEP_* is 0: all backups are kept',
    });
  });

  const doubtful: [name: string, view: ClusterStatus, reason: RegExp][] = [
    ['there is a CORRUPT alarm', threeMembers([], { alarms: corrupt('b') }), /there is a CORRUPT alarm/],
    ['the hashes differ', threeMembers([], { hashes: mismatch('a', 'b') }), /the members' hashes differ/],
    ['there is no leader', withoutLeader(threeMembers()), /the cluster has no leader/],
    [
      'all of that is so',
      withoutLeader(threeMembers([], { alarms: corrupt('b', 'c'), hashes: mismatch() })),
      /has no leader and there is a CORRUPT alarm and the members' hashes differ/,
    ],
  ];
  for (const [name, view, reason] of doubtful) {
    test(`are all kept while ${name}: an older one may be the only good one`, () => {
      const decision = pruning(view);
      assert.equal(decision.do ? 'do' : decision.status, 'refused');
      assert.match(decision.reason, reason);
      assert.match(decision.reason, /an older one may be the only good one$/);
    });
  }
});
