import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Report, terminationMessage } from './report.ts';

/**
 * Leaves the outcome where kubelet picks it up. Outside of a pod there is no such file, and that is no failure; in
 * /dev itself it is then not created either.
 */
export async function writeTerminationMessage(report: Report, path: string): Promise<void> {
  const create = dirname(path) === '/dev' ? 0 : constants.O_CREAT;
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_WRONLY | constants.O_TRUNC | create, 0o644);
    await file.writeFile(terminationMessage(report));
  } catch {
    // By contract: skipped where it cannot be written. All of it is in the report's log line.
  } finally {
    await file?.close();
  }
}
