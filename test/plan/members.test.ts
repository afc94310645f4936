import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Environment } from '../../src/config/config.ts';
import type { Quota } from '../../src/etcd/types.ts';
import { judgeMember, quotaFor } from '../../src/plan/members.ts';
import { idOf, member, policyOf } from '../support/cluster-status.ts';
import { MIB } from '../support/units.ts';

const GIB = 2 ** 10;
const KNOWN: Quota = { kind: 'known', bytes: 2 * GIB * MIB };
const ASSUMED: Quota = { kind: 'assumed', bytes: 2 * GIB * MIB };
const NONE: Quota = { kind: 'none' };

/** Sizes are MiB. */
function judged(size: number, inUse: number, quota: Quota = KNOWN, env: Environment = {}) {
  const sized = member('a', { status: { dbSize: size * MIB, dbSizeInUse: inUse * MIB } });
  return judgeMember(sized, { quotas: { [idOf('a')]: quota } }, policyOf(env));
}

describe('a member is worth a defragmentation', () => {
  const rows: [name: string, size: number, inUse: number, quota: Quota, env: Environment, worth: boolean][] =
    [
      ['at 45 % of 100 MiB', 100, 55, KNOWN, {}, true],
      ['not just below 45 %', 100, 55.001, KNOWN, {}, false],
      ['not just below 100 MiB', 99.999, 10, KNOWN, {}, false],
      ['not when nothing is free', 200, 200, KNOWN, {}, false],
      [
        'not when more is in use than the file holds, as seen for a moment while it grows',
        200,
        201,
        KNOWN,
        {},
        false,
      ],
      ['not when it is empty', 0, 0, KNOWN, {}, false],
      ['at 80 % of its quota with 32 MiB to reclaim', 0.8 * 2 * GIB, 0.8 * 2 * GIB - 32, KNOWN, {}, true],
      ['not just below 80 % of its quota', 0.8 * 2 * GIB - 0.001, 1_500, KNOWN, {}, false],
      ['not at 80 % of its quota with less than 32 MiB to reclaim', 1_700, 1_668.001, KNOWN, {}, false],
      ['above its quota, as after NOSPACE', 2_100, 2_060, KNOWN, {}, true],
      ['not for the sake of a quota where there is none', 100_000, 60_000, NONE, {}, false],
      ['for its fragmentation where there is no quota', 100_000, 50_000, NONE, {}, true],
      ['not at 80 % of a quota that is only assumed', 1_700, 1_600, ASSUMED, {}, false],
      [
        'at 80 % of QUOTA_BYTES, where its own is not known',
        800,
        760,
        ASSUMED,
        { QUOTA_BYTES: '1000Mi' },
        true,
      ],
      [
        'at 80 % of QUOTA_BYTES, though its own quota is larger',
        800,
        760,
        KNOWN,
        { QUOTA_BYTES: '1000Mi' },
        true,
      ],
      ['at 80 % of QUOTA_BYTES, though it has no quota', 800, 760, NONE, { QUOTA_BYTES: '1000Mi' }, true],
      [
        'not below 80 % of QUOTA_BYTES, though its own is smaller',
        1_700,
        1_600,
        KNOWN,
        { QUOTA_BYTES: '4Gi' },
        false,
      ],
      ['at a lower DEFRAG_MIN_FRAGMENTATION', 100, 79, KNOWN, { DEFRAG_MIN_FRAGMENTATION: '0.2' }, true],
      [
        'not at a higher DEFRAG_MIN_FRAGMENTATION',
        100,
        50,
        KNOWN,
        { DEFRAG_MIN_FRAGMENTATION: '0.6' },
        false,
      ],
      ['at a lower DEFRAG_MIN_DB_SIZE', 2, 1, KNOWN, { DEFRAG_MIN_DB_SIZE: '1Mi' }, true],
      ['at a lower DEFRAG_QUOTA_USAGE', 1_100, 1_000, KNOWN, { DEFRAG_QUOTA_USAGE: '0.5' }, true],
      ['at a lower DEFRAG_MIN_RECLAIM', 1_700, 1_699, KNOWN, { DEFRAG_MIN_RECLAIM: '1Mi' }, true],
    ];
  for (const [name, size, inUse, quota, env, worth] of rows) {
    test(name, () => {
      const decision = judged(size, inUse, quota, env);
      assert.equal(decision.do ? 'worth it' : decision.status, worth ? 'worth it' : 'skipped');
    });
  }
});

describe('the reason gives the numbers', () => {
  const rows: [name: string, decision: ReturnType<typeof judged>, reason: string][] = [
    [
      'of a member that is fragmented',
      judged(120, 60),
      '60.0 MiB of 120.0 MiB can be reclaimed: 50 % of the file reaches DEFRAG_MIN_FRAGMENTATION (45 %), and its size ' +
        'DEFRAG_MIN_DB_SIZE (100.0 MiB)',
    ],
    [
      'of a member that is nearly full',
      judged(1_945.6, 1_845.6),
      '100.0 MiB of 1945.6 MiB can be reclaimed: 95 % of the quota of 2048.0 MiB reaches DEFRAG_QUOTA_USAGE (80 %), and ' +
        'what can be reclaimed DEFRAG_MIN_RECLAIM (32.0 MiB)',
    ],
    [
      'of one that is neither',
      judged(120, 100),
      '20.0 MiB of 120.0 MiB can be reclaimed, which the policy does not ask for: 16.6 % of the file is below ' +
        'DEFRAG_MIN_FRAGMENTATION (45 %); 5.8 % of the quota of 2048.0 MiB is below DEFRAG_QUOTA_USAGE (80 %)',
    ],
    [
      'of one that is small, with a quota that is assumed',
      judged(50, 10, ASSUMED),
      '40.0 MiB of 50.0 MiB can be reclaimed, which the policy does not ask for: the file is below DEFRAG_MIN_DB_SIZE ' +
        '(100.0 MiB); its quota is not known, so no rule on it counts (QUOTA_BYTES)',
    ],
    [
      'of one that is nearly full of what is in use, and of one without a quota',
      judged(2_000, 1_990),
      '10.0 MiB of 2000.0 MiB can be reclaimed, which the policy does not ask for: 0.5 % of the file is below ' +
        'DEFRAG_MIN_FRAGMENTATION (45 %); what can be reclaimed is below DEFRAG_MIN_RECLAIM (32.0 MiB)',
    ],
    [
      'of one that has no quota',
      judged(0, 0, NONE),
      '0.0 MiB of 0.0 MiB can be reclaimed, which the policy does not ask for: 0 % of the file is below ' +
        'DEFRAG_MIN_FRAGMENTATION (45 %); the member has no quota',
    ],
  ];
  for (const [name, decision, reason] of rows) {
    test(name, () => assert.equal(decision.reason, reason));
  }

  test('and what is just below a threshold does not read as if it had reached it', () => {
    assert.match(
      judged(1_000, 550.1).reason,
      /44\.9 % of the file is below DEFRAG_MIN_FRAGMENTATION \(45 %\)/,
    );
  });
});

describe('a member that is full, with NOSPACE on', () => {
  const alarms = [{ memberId: idOf('b'), type: 'NOSPACE' as const }];
  /** Of a quota of 1000 MiB, all in use as far as it knows. */
  const full = (size: number, quota: Quota) => {
    const sized = member('a', { status: { dbSize: size * MIB, dbSizeInUse: size * MIB } });
    return judgeMember(sized, { quotas: { [idOf('a')]: quota }, alarms }, policyOf());
  };
  const quota: Quota = { kind: 'known', bytes: 1_000 * MIB };

  test('is defragmented at 90 % of its quota, whatever it knows of what is in use', () => {
    assert.deepEqual(full(900, quota), {
      do: true,
      reason:
        '0.0 MiB of 900.0 MiB can be reclaimed: 90 % of the quota, with NOSPACE on, leaves no room to disarm it, and ' +
        'without writes the sizes in use are old',
    });
  });

  test('is not below that: there is room to disarm it', () => {
    const decision = full(899.9, quota);
    assert.equal(decision.do, false);
    assert.match(decision.reason, /; 89\.9 % of the quota, with NOSPACE on, leaves room to disarm it$/);
  });

  test('is where nobody tells its quota: a guess does not say whether there is room', () => {
    const decision = full(500, ASSUMED);
    assert.equal(decision.do, true);
    assert.match(decision.reason, /NOSPACE is on, its quota is not known \(QUOTA_BYTES\)/);
  });

  test('is not where it has no quota', () => assert.equal(full(5_000, NONE).do, false));

  test('is judged by its numbers alone where the alarm is another one, or none', () => {
    const corrupt = [{ memberId: idOf('b'), type: 'CORRUPT' as const }];
    const sized = member('a', { status: { dbSize: 950 * MIB, dbSizeInUse: 950 * MIB } });
    for (const other of [corrupt, []]) {
      const decision = judgeMember(sized, { quotas: { [idOf('a')]: quota }, alarms: other }, policyOf());
      assert.equal(decision.do, false);
      assert.doesNotMatch(decision.reason, /NOSPACE/);
    }
  });
});

test('a learner is not defragmented: etcd refuses it', () => {
  const learner = member('d', { learner: true, status: { dbSize: 900 * MIB, dbSizeInUse: MIB } });
  const decision = judgeMember(learner, { quotas: {} }, policyOf());
  assert.deepEqual(decision, {
    do: false,
    status: 'skipped',
    reason: 'it is a learner: etcd refuses to defragment it',
  });
});

const refused = (problem?: string) =>
  judgeMember(member('b', { status: null, ...(problem && { problem }) }), { quotas: {} }, policyOf());

test('a member that did not answer is refused, with the reason if there is one', () => {
  assert.deepEqual(refused('it is gone'), { do: false, status: 'refused', reason: 'it is gone' });
  assert.deepEqual(refused(), { do: false, status: 'refused', reason: 'it did not answer' });
});

test('the quota is that of QUOTA_BYTES, else of the member, else the one that etcd has by default', () => {
  const quotas = { [idOf('a')]: NONE };
  assert.deepEqual(quotaFor(member('a'), { quotas }, { quotaBytes: 5 }), { kind: 'known', bytes: 5 });
  assert.deepEqual(quotaFor(member('a'), { quotas }, {}), NONE);
  assert.deepEqual(quotaFor(member('b'), { quotas }, {}), { kind: 'assumed', bytes: 2 ** 31 });
});
