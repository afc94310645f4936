import assert from 'node:assert/strict';
import type { MemberReport } from '../../src/run/members.ts';
import type { Report } from '../../src/run/report.ts';
import type { JobResult } from './run-job.ts';

/** The job's report with its type. Throws with everything the job said when it wrote none. */
export function reportOf({ code, report, stdout, stderr }: JobResult): Report {
  if (report === undefined || !isReport(report))
    throw new Error(`the job ended with ${code} and no report\n${stdout}\n${stderr}`);
  return report;
}

/** Its further fields are what the tests look at: one that is missing fails the test that reads it. */
const isReport = (line: object): line is Report => 'outcome' in line && 'exitCode' in line && 'steps' in line;

export function memberOf(report: Report, name: string): MemberReport {
  const found = report.members.find((member) => member.name === name);
  assert.ok(found, `${name} is not in the report`);
  return found;
}
