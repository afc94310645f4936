import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Failure, type FailureKind, Interrupted } from '../../src/errors.ts';
import { STEP_NAMES } from '../../src/plan/steps.ts';
import { type Outcome, type Report, reportOf } from '../../src/run/report.ts';
import { newRunState, type RunState, type StepReport } from '../../src/run/state.ts';
import { tableOf } from '../../src/run/table.ts';
import { terminationMessage, writeTerminationMessage } from '../../src/run/termination.ts';
import { runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { idOf, member, unstarted, threeMembers } from '../support/cluster-status.ts';
import { MIB } from '../support/units.ts';

const START = new Date('2026-03-04T01:00:00Z');
const END = new Date('2026-03-04T01:00:12.500Z');

const pastRunOf = (changes: Partial<RunState> = {}): RunState => ({
  ...newRunState('1.2.3', START),
  ...changes,
});
const reportFor = (changes: Partial<RunState> = {}): Report => reportOf(pastRunOf(changes), END);

const done = (reason = 'as planned'): StepReport => ({ status: 'done', reason, durationMs: 1 });
const skipped: StepReport = { status: 'skipped', reason: 'nothing to do', durationMs: 0 };
const refused: StepReport = { status: 'refused', reason: 'not safe', durationMs: 1 };
const failed: StepReport = { status: 'failed', reason: 'it broke', durationMs: 1 };

const backup = {
  name: '20260304T010000Z-9007199254740991.db.zst.age',
  store: 'file:///backups',
  member: { id: idOf('a'), name: 'a' },
  revision: Number.MAX_SAFE_INTEGER,
  rawBytes: 1,
  storedBytes: 1,
  megabytesPerSecond: 1,
  streamSeconds: 1,
  readBackSeconds: 1,
};

describe('the outcome and the exit code', () => {
  test('a cluster that is not well ends with 5, also when nothing but a backup was asked for', () => {
    const problems = ['member m2: it does not answer'];
    const report = reportFor({ problems, steps: { backup: done(), compact: skipped, defragment: skipped } });
    assert.deepEqual([report.exitCode, report.outcome], [5, 'partial']);
    assert.equal(reportFor({ problems, dryRun: true }).exitCode, 0, 'a dry run only tells');
  });

  const byKind: [FailureKind, number, Outcome][] = [
    ['configuration', 2, 'failed'],
    ['unreachable', 3, 'failed'],
    ['backup', 4, 'failed'],
    ['step', 5, 'partial'],
    ['refused', 5, 'partial'],
    ['locked', 6, 'busy'],
  ];
  for (const [kind, exitCode, outcome] of byKind) {
    test(`a run that ended with "${kind}" has exit code ${exitCode} and is ${outcome}`, () => {
      const report = reportFor({ ended: new Failure(kind, 'it could not be') });
      assert.deepEqual(
        [report.exitCode, report.outcome, report.error],
        [exitCode, outcome, 'it could not be'],
      );
    });
  }

  for (const [signal, exitCode] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    test(`a run that ${signal} ended is aborted, exit code ${exitCode}`, () => {
      const report = reportFor({ ended: new Interrupted(signal) });
      assert.deepEqual([report.exitCode, report.outcome], [exitCode, 'aborted']);
    });
  }

  test('anything that was not foreseen is exit code 1, and a dry run does not hide it', () => {
    for (const ended of [new TypeError('x is not a function'), 'a string', null]) {
      const report = reportFor({ ended, dryRun: true });
      assert.deepEqual([report.exitCode, report.outcome], [1, 'failed']);
    }
  });

  test('a run that changed something is ok, one that only backed up had nothing to do', () => {
    const steps = { inspect: done(), lock: done(), backup: done(), prune: done(), compact: skipped };
    assert.deepEqual(summary(reportFor({ steps })), [0, 'nothing-needed']);
    for (const name of ['compact', 'defragment', 'disarm'] as const) {
      assert.deepEqual(summary(reportFor({ steps: { ...steps, [name]: done() } })), [0, 'ok']);
    }
  });

  test('one refused or failed step makes the run partial, even where it went on', () => {
    for (const step of [refused, failed]) {
      for (const name of ['prune', 'compact', 'defragment', 'disarm'] as const) {
        assert.deepEqual(summary(reportFor({ steps: { backup: done(), [name]: step } })), [5, 'partial']);
      }
    }
  });

  test('a dry run of a sick cluster is a dry run, exit code 0', () => {
    assert.deepEqual(summary(reportFor({ dryRun: true, steps: { compact: refused } })), [0, 'dry-run']);
  });
});

describe('the steps', () => {
  test('every step is there, and those that were not reached say where the run ended', () => {
    const report = reportFor({
      ended: new Failure('step', 'it broke'),
      steps: { inspect: done(), lock: done(), backup: done(), prune: refused, compact: failed },
    });
    assert.deepEqual(Object.keys(report.steps), [...STEP_NAMES]);
    // Pruning was refused too, and the run went on after it.
    const notReached = 'not reached: the run ended at compact';
    assert.deepEqual(report.steps.defragment, { status: 'skipped', reason: notReached, durationMs: 0 });
    assert.deepEqual(report.steps.disarm.reason, notReached);
  });

  test('a run that ended before its first step says so', () => {
    const report = reportFor({ ended: new Failure('configuration', 'wrong') });
    for (const name of STEP_NAMES)
      assert.equal(report.steps[name].reason, 'not reached: the run ended before it');
  });
});

describe('the members', () => {
  test('what was reclaimed is the sum over those that became smaller; one that grew takes nothing away', () => {
    const view = threeMembers();
    const report = reportFor({
      clusterStatus: view,
      membersAfter: [
        member('a', { status: { dbSize: 100 * MIB } }),
        member('b', { status: { dbSize: 700 * MIB } }),
        member('c', { status: null }), // not seen again: nothing is claimed
      ],
    });
    assert.equal(report.reclaimedBytes, 400 * MIB);
    assert.deepEqual(
      report.members.map(({ role }) => role),
      ['leader', 'follower', 'follower'],
    );
    assert.equal(report.members[2]?.after, undefined);
  });

  test('above a minute without an answer there is a warning that names the liveness probe', () => {
    const outcome = { defragmented: true, reason: 'defragmented' };
    const report = reportFor({
      clusterStatus: threeMembers(),
      warnings: ['something else'],
      members: new Map([
        [idOf('a'), { ...outcome, unavailableSeconds: 60 }],
        [idOf('b'), { ...outcome, unavailableSeconds: 60.1 }],
      ]),
    });
    const [a, b, c] = report.members;
    assert.equal(a?.warning, undefined);
    assert.match(b?.warning ?? '', /^b did not answer for 60\.1 s: kubelet's liveness probe/);
    assert.deepEqual(report.warnings, ['something else', b?.warning]);
    assert.equal(c?.unavailableSeconds, undefined);
  });

  test('a learner, a silent member and one that never started are what they are', () => {
    const silent = member('b', { status: null, problem: 'it does not answer' });
    const view = threeMembers([silent, member('d', { learner: true }), unstarted('e5')]);
    const { members } = reportFor({ clusterStatus: view });
    assert.deepEqual(
      members.map(({ name, role }) => [name, role]),
      [
        ['a', 'leader'],
        ['b', 'unknown'],
        ['c', 'follower'],
        ['d', 'learner'],
        ['', 'unknown'],
      ],
    );
    assert.deepEqual([members[1]?.before, members[1]?.reason], [undefined, 'it does not answer']);
  });
});

describe('the termination message', () => {
  test('is JSON with what an operator looks for', () => {
    const report = reportFor({
      cluster: { name: 'prod', id: 'c1' },
      backup,
      compaction: { to: 7, window: 1, windowFrom: 'COMPACTION_RETENTION' },
      steps: { compact: done(), defragment: failed },
      problems: ['one', 'two'],
    });
    const message = JSON.parse(terminationMessage(report));
    assert.deepEqual([message.outcome, message.exitCode, message.cluster], ['partial', 5, 'prod']);
    assert.deepEqual([message.backup, message.compactRevision], [backup.name, 7]);
    assert.deepEqual([message.steps.compact, message.steps.defragment], ['done', 'failed']);
    assert.equal(message.problems, 'one; two');
  });

  for (const [what, text] of Object.entries({
    'control characters': '\u0000\u001b',
    'half of a surrogate pair': '\ud83d',
    emoji: 'x👩‍👩‍👧‍👦',
    'quotes and backslashes': '"\\',
    'three-byte letters': '界',
    'combining marks': 'e\u0301\u0302\u0303',
  })) {
    test(`stays within 4096 bytes and whole JSON with endless ${what}`, () => {
      const endless = text.repeat(50_000);
      const report = reportFor({
        cluster: { name: 'c'.repeat(63) },
        backup,
        compaction: { to: Number.MAX_SAFE_INTEGER, window: 1, windowFrom: 'COMPACTION_RETENTION' },
        ended: new Failure('refused', endless),
        problems: [endless, endless],
      });
      const message = terminationMessage(report);
      assert.ok(Buffer.byteLength(message) <= 4096, `${Buffer.byteLength(message)} bytes`);
      const parsed = JSON.parse(message);
      assert.deepEqual([parsed.outcome, parsed.exitCode, parsed.backup], ['partial', 5, backup.name]);
      assert.ok(parsed.error.startsWith(text), 'what ended the run is still told');
    });
  }

  test('is written whole to its file, over what was there', async () => {
    await using folder = await scratchFolder('termination');
    const path = join(folder.path, 'log');
    await writeFile(path, 'x'.repeat(10_000));
    const report = reportFor();
    await writeTerminationMessage(report, path);
    assert.equal(await readFile(path, 'utf8'), terminationMessage(report));
  });

  test('is skipped where it cannot be written', async () => {
    await using folder = await scratchFolder('termination');
    await mkdir(join(folder.path, 'a-folder'));
    await writeTerminationMessage(reportFor(), join(folder.path, 'a-folder'));
    await writeTerminationMessage(reportFor(), join(folder.path, 'missing', 'log'));
    await writeTerminationMessage(reportFor(), '/dev/no-such-termination-log');
    await assert.rejects(readFile('/dev/no-such-termination-log'), { code: 'ENOENT' });
  });

  test('is skipped where no regular file is, without a wait', { timeout: 20_000 }, async () => {
    await using folder = await scratchFolder('termination');
    const pipe = join(folder.path, 'pipe');
    await runProgram('mkfifo', [pipe]);
    await symlink(pipe, join(folder.path, 'link'));
    await writeTerminationMessage(reportFor(), join(folder.path, 'link'));
    // Also where somebody has it open, and would get it.
    await using reader = await open(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    await writeTerminationMessage(reportFor(), pipe);
    await assert.rejects(reader.read({ length: 1 }), { code: 'EAGAIN' });
    await writeTerminationMessage(reportFor(), '/dev/full');
  });
});

describe('the table', () => {
  test('has a line for each member, in columns, and how the run ended', () => {
    const text = tableOf(
      reportFor({
        clusterStatus: threeMembers([
          member('b', { name: 'a-much-longer-name', status: null, problem: 'it does not answer' }),
        ]),
        membersAfter: [member('a', { status: { dbSize: 100 * MIB, dbSizeInUse: 90 * MIB } })],
        members: new Map([
          [idOf('a'), { defragmented: true, reason: 'defragmented', unavailableSeconds: 1.2 }],
        ]),
        steps: { defragment: done() },
        backup,
      }),
    );
    const lines = text.split('\n');
    const head = lines.find((line) => line.startsWith('MEMBER')) ?? '';
    const a = lines.find((line) => line.startsWith('a ')) ?? '';
    assert.equal(a.slice(head.indexOf('SIZE'), head.indexOf('IN USE')).trim(), '500.0 MiB');
    assert.equal(a.slice(head.indexOf('SIZE AFTER'), head.indexOf('IN USE AFTER')).trim(), '100.0 MiB');
    assert.equal(a.slice(head.indexOf('NO ANSWER'), head.indexOf('DEFRAGMENTED')).trim(), '1.2 s');
    assert.match(a, /yes$/);
    assert.match(text, /c .*no: not reached/);
    assert.match(text, /ok \(exit code 0\) after 12\.5 s, 400\.0 MiB reclaimed/);
    assert.match(text, /backup file:\/\/\/backups\/20260304T010000Z-/);
  });

  test('names the largest resources, and the days until the quota', () => {
    const byResource = { events: 90, pods: 30, secrets: 20, leases: 10, nodes: 3, jobs: 1 };
    const text = tableOf(
      reportFor({
        objects: { total: 154, byResource, note: '58 % of all objects are Events' },
        forecast: { kind: 'days', days: 45.5, bytesPerDay: MIB, nights: 12 },
      }),
    );
    assert.match(text, /^154 objects: 90 events, 30 pods, 20 secrets, 10 leases, 3 nodes, \.\.\.$/m);
    assert.match(text, /^58 % of all objects are Events$/m);
    assert.match(text, /^the quota is reached in 45\.5 days at the pace of the last 12 nights$/m);
  });

  test('of a run that saw no member is only how it ended', () => {
    const text = tableOf(reportFor({ ended: new Failure('unreachable', 'no endpoint answered') }));
    assert.match(text, /failed \(exit code 3\)/);
    assert.match(text, /no endpoint answered/);
  });
});

const summary = ({ exitCode, outcome }: Report): [number, Outcome] => [exitCode, outcome];
