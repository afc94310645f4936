import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterStatus } from '../../src/etcd/types.ts';
import type { Decision } from '../../src/plan/decision.ts';
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
import { MIB } from '../support/units.ts';

const ASSUMED = { kind: 'assumed' as const, bytes: 2 ** 31 };
const CORRUPT_AT_C = [{ memberId: idOf('c'), type: 'CORRUPT' as const }];
const NOSPACE_AT_B = [{ memberId: idOf('b'), type: 'NOSPACE' as const }];

/** `do`, or why not. */
const verdict = (decision: Decision): string => (decision.do ? 'do' : decision.status);

describe('a healthy cluster', () => {
  test('is backed up, pruned, compacted and defragmented, and there is no alarm to disarm', () => {
    const plan = judge(threeMembers(), policyOf());
    assert.deepEqual(plan.problems, []);
    assert.deepEqual(plan.warnings, []);
    assert.ok(
      [plan.steps.backup, plan.steps.prune, plan.steps.compact, plan.steps.defragment].every(
        (decision) => decision.do,
      ),
    );
    assert.deepEqual(plan.steps.disarm, { do: false, status: 'skipped', reason: 'no NOSPACE alarm' });
  });

  test('gets the same plan every time, and the view is left as it was', () => {
    const view = threeMembers();
    const before = structuredClone(view);
    assert.deepEqual(judge(view, policyOf()), judge(view, policyOf()));
    assert.deepEqual(view, before);
  });

  test('has every member judged, in the order of the member list', () => {
    const { members } = judge(threeMembers(), policyOf());
    assert.deepEqual(
      members.map(({ member: { name }, decision }) => [name, verdict(decision)]),
      [
        ['a', 'skipped'],
        ['b', 'skipped'],
        ['c', 'skipped'],
      ],
    );
  });

  test('of one member is treated like any other', () => {
    const plan = judge(clusterOf([member('a')]), policyOf());
    assert.deepEqual(plan.problems, []);
    assert.ok(
      [plan.steps.backup, plan.steps.prune, plan.steps.compact, plan.steps.defragment].every(
        (decision) => decision.do,
      ),
    );
  });

  test('that is new and empty is backed up; there is nothing to compact and nothing worth a defragmentation', () => {
    const empty = { dbSize: 20_480, dbSizeInUse: 16_384, revision: 1, raftIndex: 4, raftAppliedIndex: 4 };
    const members = ['a', 'b', 'c'].map((name) => member(name, { status: empty }));
    const plan = judge(clusterOf(members, { revision: 1, compactRevision: 0 }), policyOf());
    assert.equal(plan.steps.backup.do, true);
    assert.equal(verdict(plan.steps.compact), 'skipped');
    assert.match(plan.steps.compact.reason, /^nothing to do: revision 1 /);
    assert.deepEqual(
      plan.members.map(({ decision }) => verdict(decision)),
      ['skipped', 'skipped', 'skipped'],
    );
  });
});

describe('a cluster that is not well is backed up and otherwise left alone', () => {
  const unreachable = member('b', { status: null, problem: 'it does not answer' });
  const lagging = member('b', { problem: 'it lags', status: { raftAppliedIndex: 3 } });
  const unwell: [name: string, view: ClusterStatus, problem: RegExp][] = [
    ['a voting member does not answer', threeMembers([unreachable]), /^member b \(62\): it does not answer$/],
    ['a voting member lags', threeMembers([lagging]), /^member b \(62\): it lags$/],
    [
      'a member was added and never started',
      threeMembers([unstarted('f00d')]),
      /^member f00d: .*never started/,
    ],
    [
      'a voting member has neither a status nor a reason',
      threeMembers([member('b', { status: null })]),
      /^member b /,
    ],
    ['there is no leader', withoutLeader(threeMembers()), /^the cluster has no leader$/],
    [
      'a member is accused of corruption',
      threeMembers([], { alarms: CORRUPT_AT_C }),
      /^CORRUPT alarm at c \(63\)$/,
    ],
    [
      'the hashes differ',
      threeMembers([], { hashes: mismatch('a', 'b') }),
      /^the members do not hold the same data$/,
    ],
    [
      'the hashes differ, with no majority',
      threeMembers([], { hashes: mismatch() }),
      /do not hold the same data/,
    ],
    ['the only member lags', clusterOf([member('a', { problem: 'it lags' })]), /^member a \(61\): it lags$/],
  ];
  for (const [name, view, problem] of unwell) {
    test(`when ${name}`, () => {
      const plan = judge({ ...view, alarms: [...view.alarms, ...NOSPACE_AT_B] }, policyOf());
      assert.equal(plan.problems.length, 1);
      assert.match(plan.problems[0] ?? '', problem);
      assert.equal(plan.steps.backup.do, true);
      for (const decision of [plan.steps.compact, plan.steps.defragment, plan.steps.disarm]) {
        assert.equal(verdict(decision), 'refused');
        assert.match(decision.reason, /^the cluster is not well, so this is left alone: /);
        assert.ok(decision.reason.includes(plan.problems[0] ?? '?'));
      }
    });
  }

  test('and everything that is wrong with it is told', () => {
    const view = withoutLeader(
      threeMembers([unreachable, member('c', { problem: 'it lags' }), unstarted('f00d')], {
        hashes: mismatch(),
      }),
    );
    const { problems, steps } = judge({ ...view, alarms: CORRUPT_AT_C }, policyOf());
    const { compact } = steps;
    assert.deepEqual(problems, [
      'the cluster has no leader',
      'CORRUPT alarm at c (63)',
      'the members do not hold the same data',
      'member b (62): it does not answer',
      'member c (63): it lags',
      'member f00d: it was added and never started: it has no name and no client URLs',
    ]);
    for (const problem of problems) assert.ok(compact.reason.includes(problem));
  });

  test('and no reason says that a backup was taken: the plan is made before it, or without it', () => {
    const off = { BACKUP_ENABLED: 'false', BACKUP_SKIP_CONFIRMED: 'true' };
    const plan = judge(threeMembers([lagging]), policyOf(off));
    assert.doesNotMatch(plan.steps.compact.reason, /back(ed)? ?up/);
    assert.equal(verdict(plan.steps.backup), 'skipped');
  });

  test('and what the configuration switched off stays skipped, not refused', () => {
    const off = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false', ALARM_DISARM: 'false' };
    const plan = judge({ ...threeMembers([lagging]), alarms: NOSPACE_AT_B }, policyOf(off));
    assert.deepEqual([plan.steps.compact, plan.steps.defragment, plan.steps.disarm].map(verdict), [
      'skipped',
      'skipped',
      'skipped',
    ]);
    assert.deepEqual(plan.problems, ['member b (62): it lags']);
  });

  test('but a learner that does not answer is only told of: it has no vote', () => {
    const learner = member('d', { learner: true, status: null, problem: 'it does not answer' });
    const plan = judge(threeMembers([learner]), policyOf());
    assert.deepEqual(plan.problems, []);
    assert.deepEqual(plan.warnings, ['learner d (64): it does not answer']);
    assert.ok([plan.steps.compact, plan.steps.defragment].every((decision) => decision.do));
  });

  test('but hashes that could not be compared are only a warning', () => {
    const message = 'the hashes could not be compared';
    const plan = judge(
      threeMembers([], { hashes: { kind: 'not-comparable', message }, warnings: [message] }),
      policyOf(),
    );
    assert.deepEqual(plan.problems, []);
    assert.deepEqual(plan.warnings, [message]);
    assert.ok([plan.steps.prune, plan.steps.compact, plan.steps.defragment].every((decision) => decision.do));
  });

  test('but hashes that the operator did not want compared are nothing to speak of', () => {
    const hashes = { kind: 'not-checked', message: 'CONSISTENCY_CHECK is false' } as const;
    const plan = judge(threeMembers([], { hashes }), policyOf());
    assert.deepEqual([plan.problems, plan.warnings], [[], []]);
  });
});

describe('CORRUPT', () => {
  test('of member 0 is told in words: etcd does not know which member is wrong', () => {
    const plan = judge(threeMembers([], { alarms: [{ memberId: '0', type: 'CORRUPT' }] }), policyOf());
    assert.match(plan.problems[0] ?? '', /^CORRUPT alarm: .* does not say which of them is wrong$/);
    assert.equal(verdict(plan.steps.compact), 'refused');
  });

  test('of a member that has been removed is told with its ID', () => {
    const plan = judge(threeMembers([], { alarms: [{ memberId: 'dead', type: 'CORRUPT' }] }), policyOf());
    assert.deepEqual(plan.problems, ['CORRUPT alarm at dead (not in the member list)']);
  });

  test('is never disarmed', () => {
    assert.equal(
      verdict(judge(threeMembers([], { alarms: CORRUPT_AT_C }), policyOf()).steps.disarm),
      'skipped',
    );
  });
});

describe('NOSPACE', () => {
  const full = threeMembers([], { alarms: NOSPACE_AT_B });

  test('is what compaction and defragmentation are for, and is then disarmed', () => {
    const plan = judge(full, policyOf());
    assert.deepEqual(plan.problems, []);
    assert.ok(
      [
        plan.steps.backup,
        plan.steps.prune,
        plan.steps.compact,
        plan.steps.defragment,
        plan.steps.disarm,
      ].every(({ do: it }) => it),
    );
    assert.equal(
      plan.steps.disarm.reason,
      'NOSPACE at b (62), once every voting member is below 90 % of its quota',
    );
  });

  test('is told, whatever is done about it', () => {
    for (const env of [{}, { ALARM_DISARM: 'false' }]) {
      assert.deepEqual(judge(full, policyOf(env)).warnings, [
        'NOSPACE alarm at b (62): the cluster refuses every write but deletions',
      ]);
    }
  });

  test('stays on with ALARM_DISARM=false, and what that means is said', () => {
    const { disarm } = judge(full, policyOf({ ALARM_DISARM: 'false' })).steps;
    assert.equal(verdict(disarm), 'skipped');
    assert.match(disarm.reason, /^ALARM_DISARM is false; the cluster takes no writes until /);
  });

  test('is disarmed too when an upgrade under way forbids the defragmentation', () => {
    const view = threeMembers([member('c', { status: { version: '3.5.30' } })], { alarms: NOSPACE_AT_B });
    const plan = judge(view, policyOf());
    assert.equal(verdict(plan.steps.defragment), 'refused');
    assert.equal(plan.steps.disarm.do, true);
  });
});

test('a member that is worth it is found whatever else is refused, and in a plan that defragments nothing', () => {
  const worth = member('b', { status: { dbSize: 500 * MIB, dbSizeInUse: 100 * MIB } });
  const plan = judge(threeMembers([worth]), policyOf({ DEFRAG_ENABLED: 'false' }));
  assert.deepEqual(
    plan.members.map(({ decision }) => verdict(decision)),
    ['skipped', 'do', 'skipped'],
  );
  assert.equal(verdict(plan.steps.defragment), 'skipped');
});

const withUntoldQuota = (): ClusterStatus => ({
  ...threeMembers(),
  quotas: { ...threeMembers().quotas, [idOf('b')]: ASSUMED },
});

describe('a quota that no member tells', () => {
  test('is warned of, with the variable that tells it instead', () => {
    const { warnings } = judge(withUntoldQuota(), policyOf());
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? '',
      /^the quota of b \(\w+\) could not be read.*2048\.0 MiB is assumed.*QUOTA_BYTES/,
    );
    assert.deepEqual(judge(withUntoldQuota(), policyOf({ QUOTA_BYTES: '8Gi' })).warnings, []);
  });

  test('does not keep NOSPACE from being disarmed, and the plan says at whom it is not known', () => {
    const { steps } = judge({ ...withUntoldQuota(), alarms: NOSPACE_AT_B }, policyOf());
    assert.equal(steps.disarm.do, true);
    assert.match(steps.disarm.reason, /as far as it is known \(not at b \(\w+\): QUOTA_BYTES\)$/);
  });
});
