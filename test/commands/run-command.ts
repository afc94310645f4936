import assert from 'node:assert/strict';
import { type JobResult, runJob } from '../support/run-job.ts';

/** Runs a command to its end. Its environment is `env` and nothing else. */
export const runCommand = (args: string[], env: Record<string, string> = {}): Promise<JobResult> =>
  runJob(env, { args });

/** Asserts how a command ended; all that it said is in the message. */
export function assertCommandEnded(result: JobResult, code: number): JobResult {
  assert.equal(result.code, code, `${result.stdout}\n${result.stderr}`);
  return result;
}

/** The one JSON document on standard output; fails where there is anything else. */
export async function jsonOf(args: string[], env: Record<string, string>, code = 0) {
  const { stdout } = assertCommandEnded(await runCommand([...args, '-o', 'json'], env), code);
  return JSON.parse(stdout);
}

/** Asserts how a command ended that had nothing to print, and what it said instead. */
export async function assertCommandRefused(
  args: string[],
  env: Record<string, string>,
  code: number,
  ...words: RegExp[]
): Promise<void> {
  const { stdout, stderr } = assertCommandEnded(await runCommand(args, env), code);
  assert.equal(stdout, '');
  for (const word of words) assert.match(stderr, word);
  assert.doesNotMatch(stderr, /^ +at /m, 'no stack');
}
