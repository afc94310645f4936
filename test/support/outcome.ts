import assert from 'node:assert/strict';
import type { StepName } from '../../src/plan/steps.ts';
import type { Report } from '../../src/run/report.ts';
import type { JobResult } from './job.ts';
import { reportOf } from './report.ts';

/** Fails unless the run ended with that code, with all of its output as the message. Returns its report. */
export function assertEnded(result: JobResult, code: number, outcome: Report['outcome']): Report {
  const { stdout, stderr } = result;
  assert.equal(result.code, code, `${stdout}\n${stderr}`);
  assertOnlyLogLines(result);
  const report = reportOf(result);
  assert.equal(report.exitCode, code);
  assert.equal(report.outcome, outcome);
  return report;
}

/** Fails when a program that reads the job's log as JSON lines would stumble. */
export function assertOnlyLogLines({ stdout, stderr, lines }: JobResult): void {
  assert.equal(stderr, '');
  const text = stdout.split('\n').filter((line) => line !== '');
  assert.equal(lines.length, text.length, `not all of it are JSON lines:\n${stdout}`);
}

/** Fails unless the steps ended like that; those that are not named are not looked at. */
export function assertSteps(
  { steps }: Report,
  expected: Partial<Record<StepName, Report['steps'][StepName]['status']>>,
): void {
  const actual = Object.fromEntries(
    Object.entries(steps).flatMap(([name, { status }]) => (name in expected ? [[name, status]] : [])),
  );
  assert.deepEqual(actual, expected, JSON.stringify(steps, undefined, 2));
}
