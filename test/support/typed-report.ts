import type { Report } from '../../src/report.ts';
import type { JobResult } from './job.ts';

/** The job's last line in the type of the code that wrote it. Throws when there is none. */
export function typedReport({ report, stdout, stderr }: JobResult): Report {
  if (isReport(report)) return report;
  throw new Error(`the job wrote no report: ${stdout}${stderr}`);
}

const isReport = (line: unknown): line is Report =>
  typeof line === 'object' && line !== null && 'exitCode' in line && 'members' in line;
