import assert from 'node:assert/strict';
import type { StepName } from '../../src/plan/steps.ts';
import type { Report } from '../../src/run/report.ts';
import type { JobResult } from './run-job.ts';
import { reportOf } from './run-report.ts';

/** Fails unless the run ended so, as its code and its report say, with all of its output as the message. */
export function assertRunEnded(result: JobResult, code: number, outcome: Report['outcome']): Report {
  const { stdout, stderr } = result;
  assert.equal(result.code, code, `${stdout}\n${stderr}`);
  assertOnlyLogLines(result);
  const report = reportOf(result);
  assertReport(report, code, outcome);
  return report;
}

/** The same of a run of which only the report is left, say in the log of a pod; `told` is what else it said. */
export function assertReport(report: Report, code: number, outcome: Report['outcome'], told?: string): void {
  const ended = { code: report.exitCode, outcome: report.outcome };
  assert.deepEqual(ended, { code, outcome }, told ?? JSON.stringify(report, undefined, 2));
}

/** Fails when a program that reads the job's log as JSON lines would stumble. */
export function assertOnlyLogLines({ stdout, stderr, lines }: JobResult): void {
  assert.equal(stderr, '');
  const text = stdout.split('\n').filter((line) => line !== '');
  assert.equal(lines.length, text.length, `not all of it are JSON lines:\n${stdout}`);
}

type Status = Report['steps'][StepName]['status'];

/** How steps are to have ended; those that are not named are not looked at. A pattern is for the reason. */
type ExpectedSteps = { readonly [name in StepName]?: Status | readonly [Status, RegExp] };

/** Fails unless the steps ended like that, with what the report says of all of them as the message. */
export function assertSteps({ steps }: Report, expected: ExpectedSteps): void {
  const told = JSON.stringify(steps, undefined, 2);
  const ended = new Map(Object.entries(steps));
  for (const [name, how] of Object.entries(expected)) {
    const [status, reason] = typeof how === 'string' ? [how] : how;
    assert.equal(ended.get(name)?.status, status, `${name}: ${told}`);
    if (reason) assert.match(ended.get(name)?.reason ?? '', reason);
  }
}
