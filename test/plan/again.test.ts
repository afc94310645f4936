import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterStatus } from '../../src/etcd/types.ts';
import { judgeAgain } from '../../src/plan/again.ts';
import type { PlannedStep } from '../../src/plan/steps.ts';
import { idOf, member, policyOf, threeMembers, withoutLeader } from '../support/cluster-status.ts';

const CHANGING: readonly PlannedStep[] = ['compact', 'defragment', 'disarm'];

const judged = (step: PlannedStep, now: ClusterStatus, planned = threeMembers()) =>
  judgeAgain(step, planned, now, policyOf());

/** The reason why it will never do, with this plan. */
function refusal(step: PlannedStep, now: ClusterStatus, planned?: ClusterStatus): string {
  const verdict = judged(step, now, planned);
  assert.equal(verdict.kind, 'never', JSON.stringify(verdict));
  return verdict.kind === 'never' ? verdict.reason : '';
}

for (const step of CHANGING) {
  describe(`before ${step}`, () => {
    test('nothing is against it while the cluster is as it was, other sizes and another leader included', () => {
      const grown = member('b', { status: { dbSize: 9e9, revision: 60_000 } });
      assert.deepEqual(judged(step, threeMembers()), { kind: 'go' });
      assert.deepEqual(judged(step, threeMembers([grown], { leaderId: idOf('c') })), { kind: 'go' });
    });

    test('a member more or less ends it, a learner too, and it is named', () => {
      assert.match(
        refusal(step, threeMembers([member('d')])),
        /^since this run looked first d \(64\) was added: /,
      );
      assert.match(
        refusal(step, threeMembers([member('d', { learner: true })])),
        /d \(64\) was added as a learner/,
      );
      assert.match(refusal(step, threeMembers(), threeMembers([member('d')])), /d \(64\) was removed/);
    });

    test('a learner that became a voting member ends it, and so does one that was started', () => {
      const learner = threeMembers([member('d', { learner: true })]);
      assert.match(refusal(step, threeMembers([member('d')]), learner), /d \(64\) became a voting member/);
      const waiting = threeMembers([{ id: idOf('d'), name: '', learner: true, clientUrls: [] }]);
      assert.match(refusal(step, learner, waiting), /d \(64\) was started/);
    });

    test('a CORRUPT alarm ends it: nobody but a person disarms it', () => {
      const corrupt = threeMembers([], { alarms: [{ memberId: idOf('b'), type: 'CORRUPT' }] });
      assert.match(
        refusal(step, corrupt),
        /^the cluster is not well, so this is left alone: CORRUPT alarm at b/,
      );
    });

    test('what makes a cluster unwell may pass, as an election does', () => {
      for (const now of [
        withoutLeader(threeMembers()),
        threeMembers([member('b', { problem: 'it lags' })]),
      ]) {
        const verdict = judged(step, now);
        assert.equal(verdict.kind, 'not-now');
        assert.match(
          'reason' in verdict ? verdict.reason : '',
          /^the cluster is not well, so this is left alone: /,
        );
      }
    });
  });
}

describe('an upgrade', () => {
  const upgraded = threeMembers([member('b', { status: { version: '3.6.17' } })]);
  const mixed = threeMembers([member('b', { status: { version: '3.7.3' } })]);

  test('ends a defragmentation, also one to another patch', () => {
    assert.match(
      refusal('defragment', upgraded),
      /b \(62\) came back with etcd 3\.6\.17 instead of 3\.6\.16/,
    );
    assert.match(refusal('defragment', mixed), /b \(62\) came back with etcd 3\.7\.3 instead of 3\.6\.16/);
  });

  test('is no reason against what is the same in every version', () => {
    assert.deepEqual(judged('compact', mixed), { kind: 'go' });
    assert.deepEqual(judged('disarm', mixed), { kind: 'go' });
  });
});

test('a downgrade of 3.5, or one that nobody knows of, ends a defragmentation, and no compaction', () => {
  const enabled = threeMembers([], { downgrade: { kind: 'enabled' } });
  assert.match(refusal('defragment', enabled), /^a downgrade is enabled/);
  const unknown = threeMembers([], { downgrade: { kind: 'unknown', message: 'a (61): no answer' } });
  assert.match(refusal('defragment', unknown), /could not be read \(a \(61\): no answer\)$/);
  for (const now of [enabled, unknown])
    assert.deepEqual(judgeAgain('compact', threeMembers(), now, policyOf()), { kind: 'go' });
});

test('a downgrade that is enabled ends a defragmentation, and no compaction', () => {
  const now = threeMembers([member('c', { status: { downgradeTo: '3.5.0' } })]);
  assert.match(refusal('defragment', now), /^c \(63\) tells of a downgrade to 3\.5\.0 that is enabled/);
  assert.deepEqual(judged('compact', now), { kind: 'go' });
});
