import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge } from '../../src/plan/plan.ts';
import { member, policyOf, threeMembers, clusterOf } from '../support/cluster-status.ts';

const RISK = { DEFRAG_ALLOW_KNOWN_BAD_VERSIONS: 'true' };

const versioned = (name: string, version: string, learner = false) =>
  member(name, { learner, status: { version } });
const allOf = (version: string) => clusterOf(['a', 'b', 'c'].map((name) => versioned(name, version)));

describe('nobody is defragmented', () => {
  test('while the members are of different minor versions, and they are named', () => {
    const { steps, warnings } = judge(threeMembers([versioned('b', '3.5.9')]), policyOf());
    const { defragment } = steps;
    assert.deepEqual(defragment, {
      do: false,
      status: 'refused',
      reason:
        'the members are of different minor versions (3.6 at a (61), c (63); 3.5 at b (62)): finish the upgrade first',
    });
    assert.deepEqual(warnings, [], 'no warning of what defragmenting 3.5.9 could do: it is not done');
  });

  test('while a learner is of another minor version', () => {
    const { defragment } = judge(threeMembers([versioned('d', '3.7.0', true)]), policyOf()).steps;
    assert.match(defragment.reason, /different minor versions .*3\.7 at d/);
  });

  test('while a pre-release of the next minor version is tried', () => {
    assert.match(
      judge(threeMembers([versioned('c', '3.7.0-rc.1')]), policyOf()).steps.defragment.reason,
      /3\.7 at c/,
    );
  });

  test('while a downgrade is enabled, which one member may know before the others', () => {
    const told = member('b', { status: { downgradeTo: '3.5.0' } });
    const { defragment } = judge(threeMembers([told]), policyOf()).steps;
    assert.equal(defragment.do ? 'do' : defragment.status, 'refused');
    assert.match(
      defragment.reason,
      /^b \(62\) tells of a downgrade to 3\.5\.0 that is enabled: finish it, or/,
    );
  });

  test('while one member is of a version that is known to be bad, and it is named with the bug', () => {
    const { defragment } = judge(
      clusterOf([versioned('a', '3.5.30'), versioned('b', '3.5.3')]),
      policyOf(),
    ).steps;
    assert.equal(defragment.do ? 'do' : defragment.status, 'refused');
    assert.match(
      defragment.reason,
      /^b \(62\): etcd 3\.5\.3 can .*etcd#14733.*\. Upgrade etcd, or take the risk with DEFRAG_ALLOW_KNOWN_BAD_VERSIONS=true$/,
    );
  });

  test('when the versions differ, though the risk of bad ones was taken: that is another risk', () => {
    const view = clusterOf([versioned('a', '3.4.3'), versioned('b', '3.5.3')]);
    assert.match(judge(view, policyOf(RISK)).steps.defragment.reason, /different minor versions/);
  });

  test('when it is switched off', () => {
    const { steps, warnings } = judge(allOf('3.5.3'), policyOf({ DEFRAG_ENABLED: 'false' }));
    const { defragment } = steps;
    assert.deepEqual(defragment, { do: false, status: 'skipped', reason: 'DEFRAG_ENABLED is false' });
    assert.deepEqual(warnings, []);
  });
});

describe('everybody may be defragmented', () => {
  test('when the patch versions differ', () => {
    const view = threeMembers([versioned('b', '3.6.9')]);
    assert.deepEqual(judge(view, policyOf()).steps.defragment, {
      do: true,
      reason: 'the members that the policy picks, one at a time',
    });
  });

  test('when a member that is not a voter runs a bad version: a learner is never defragmented', () => {
    const view = clusterOf([versioned('a', '3.5.30'), versioned('d', '3.5.3', true)]);
    assert.equal(judge(view, policyOf()).steps.defragment.do, true);
  });

  test('when a learner does not answer and so tells no version', () => {
    assert.equal(
      judge(threeMembers([member('d', { learner: true, status: null })]), policyOf()).steps.defragment.do,
      true,
    );
  });

  test('when the risk of a bad version was taken, and then the report names the members and the bug', () => {
    const { steps, warnings } = judge(allOf('3.5.3'), policyOf(RISK));
    const { defragment } = steps;
    assert.equal(defragment.do, true);
    assert.equal(warnings.length, 4);
    assert.match(
      warnings[0] ?? '',
      /^a \(61\): .*etcd#14733.*; defragmented all the same by DEFRAG_ALLOW_KNOWN_BAD/,
    );
    assert.match(warnings[3] ?? '', /^etcd 3\.5\.3 .*etcd#20650/);
  });
});

test('a version with a known weakness is warned of once, however many members run it', () => {
  const { steps, warnings } = judge(allOf('3.6.4'), policyOf());
  const { defragment } = steps;
  assert.equal(defragment.do, true);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^etcd 3\.6\.4 .*etcd#20650; fixed in 3\.6\.5/);
});

test('Debian 12 with its etcd 3.4.23 is defragmented with a warning', () => {
  const { steps, warnings } = judge(allOf('3.4.23'), policyOf());
  const { defragment } = steps;
  assert.equal(defragment.do, true);
  assert.match(warnings.join(), /etcd#20650; fixed in 3\.4\.38/);
});

describe('a cluster with one voting member', () => {
  const NEVER = { DEFRAG_SINGLE_MEMBER: 'false' };

  test('is defragmented, and the reason says that it will not answer meanwhile', () => {
    const { defragment } = judge(clusterOf([member('a')]), policyOf()).steps;
    assert.equal(defragment.do, true);
    assert.match(defragment.reason, /; the only voting member does not answer meanwhile$/);
  });

  test('is left alone with DEFRAG_SINGLE_MEMBER=false', () => {
    const { defragment } = judge(clusterOf([member('a')]), policyOf(NEVER)).steps;
    assert.equal(defragment.do ? 'do' : defragment.status, 'skipped');
    assert.match(defragment.reason, /^DEFRAG_SINGLE_MEMBER is false, /);
  });

  test('is one with a learner beside it too: the learner answers nobody', () => {
    const view = clusterOf([member('a'), member('d', { learner: true })]);
    assert.equal(judge(view, policyOf(NEVER)).steps.defragment.do, false);
  });

  test('is not one of two members: DEFRAG_SINGLE_MEMBER does not matter there', () => {
    assert.equal(judge(clusterOf([member('a'), member('b')]), policyOf(NEVER)).steps.defragment.do, true);
  });
});
