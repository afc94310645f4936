import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../../src/config/config.ts';
import { hashAgreement, type HashPolicy } from '../../../src/etcd/cluster/consistency.ts';
import { discover } from '../../../src/etcd/cluster/discover.ts';
import { readMembers } from '../../../src/etcd/cluster/members.ts';
import type { HashAgreement } from '../../../src/etcd/types.ts';
import { type Listed, startFakeMember } from '../../support/fake-member.ts';

const LEARNER: Listed = { ID: '2', name: 'learner', isLearner: true };
const SECOND: Listed = { ID: '2', name: 'second' };

/** What comes of it beside this other member, and whether the first was asked for its hash. */
async function ask(other: Listed, policy: HashPolicy): Promise<[HashAgreement, wasAsked: boolean]> {
  await using member = await startFakeMember({ members: [{ ID: '1', name: 'first' }, other] });
  const { etcd } = loadConfig({ ETCDCTL_ENDPOINTS: member.url });
  using client = await discover(etcd, new AbortController().signal);
  const agreement = await hashAgreement(client, await readMembers(client), '1', policy);
  return [agreement, member.calls.includes('Maintenance/HashKV')];
}

describe('a member is asked for its hash', () => {
  test('where there is another voting member', async () => {
    const [, wasAsked] = await ask(SECOND, { consistencyCheck: true, evenOne: false });
    assert.equal(wasAsked, true);
  });

  test('not where it is the only voting one: its writes would wait, and it is compared with nobody', async () => {
    const [agreement, wasAsked] = await ask(LEARNER, { consistencyCheck: true, evenOne: false });
    assert.equal(wasAsked, false);
    const message = 'there is one voting member, and nobody to compare it with';
    assert.deepEqual(agreement, { kind: 'not-checked', message });
  });

  test('unless somebody wants its hash for itself', async () => {
    const [, wasAsked] = await ask(LEARNER, { consistencyCheck: true, evenOne: true });
    assert.equal(wasAsked, true);
  });

  test('not with CONSISTENCY_CHECK=false', async () => {
    for (const other of [SECOND, LEARNER]) {
      const [agreement, wasAsked] = await ask(other, { consistencyCheck: false, evenOne: true });
      assert.equal(wasAsked, false);
      assert.deepEqual(agreement, { kind: 'not-checked', message: 'CONSISTENCY_CHECK is false' });
    }
  });
});
