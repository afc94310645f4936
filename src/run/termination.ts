import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { jsonText } from '../util/printable.ts';
import { openRegular } from '../util/regular-file.ts';
import type { Report } from './report.ts';

const MAX_TERMINATION_BYTES = 4096;

/** Where it can be long; a character may take up to 12 bytes once it is escaped, 6 for each of its halves. */
const cut = (value: string): string => value.slice(0, 300);

/** The outcome for `kubectl get pod`: JSON of at most 4096 bytes, which is what kubelet keeps of it. kubectl shows it as it is. */
export function terminationMessage(report: Report): string {
  const short = {
    outcome: report.outcome,
    exitCode: report.exitCode,
    ...(report.cluster !== undefined && { cluster: report.cluster }),
    ...(report.backup && { backup: report.backup.name, revision: report.backup.revision }),
    ...(report.compaction?.to !== undefined && { compactRevision: report.compaction.to }),
    reclaimedBytes: report.reclaimedBytes,
    steps: Object.fromEntries(Object.entries(report.steps).map(([name, { status }]) => [name, status])),
    error: report.error ?? '',
    problems: report.problems.join('; '),
  };
  const text = jsonText(short);
  const over = Buffer.byteLength(text) - MAX_TERMINATION_BYTES;
  if (over <= 0) return text;
  return jsonText({
    ...short,
    cluster: cut(short.cluster ?? ''),
    error: cut(short.error),
    problems: cut(short.problems),
  });
}

/**
 * Leaves the outcome where kubelet picks it up: in a regular file. A pipe or a device of that name is left alone: nobody
 * may read the one, and the other may be the log itself (`/dev/stdout`), where it would be no log line. Outside of a pod
 * there is no such file, and that is no failure; in /dev itself it is then not created either.
 */
export async function writeTerminationMessage(report: Report, path: string): Promise<void> {
  const create = dirname(path) === '/dev' ? 0 : constants.O_CREAT;
  try {
    await using file = await openRegular(path, constants.O_WRONLY | create, 0o644);
    // Not by a flag, which would have emptied it before it was looked at.
    await file.truncate();
    await file.writeFile(terminationMessage(report));
  } catch {
    // By contract: skipped where it cannot be written. All of it is in the report's log line.
  }
}
