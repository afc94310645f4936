import assert from 'node:assert/strict';
import { type JobResult, runJob } from '../support/job.ts';

/** Runs a command to its end. Its environment is `env` and nothing else. */
export const command = (args: string[], env: Record<string, string> = {}): Promise<JobResult> =>
  runJob(env, { args });

/** Asserts how a command ended; all that it said is in the message. */
export function endedWith(result: JobResult, code: number): JobResult {
  assert.equal(result.code, code, `${result.stdout}\n${result.stderr}`);
  return result;
}

/** The one JSON document on standard output; fails where there is anything else. */
export async function jsonOf(args: string[], env: Record<string, string>, code = 0) {
  const { stdout } = endedWith(await command([...args, '-o', 'json'], env), code);
  return JSON.parse(stdout);
}

/** Asserts how a command ended that had nothing to print, and what it said instead. */
export async function refused(
  args: string[],
  env: Record<string, string>,
  code: number,
  ...words: RegExp[]
): Promise<void> {
  const { stdout, stderr } = endedWith(await command(args, env), code);
  assert.equal(stdout, '');
  for (const word of words) assert.match(stderr, word);
  assert.doesNotMatch(stderr, /^ +at /m, 'no stack');
}
