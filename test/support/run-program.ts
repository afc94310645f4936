import { execFile } from 'node:child_process';

export interface RunOptions {
  cwd?: string;
  /** The whole environment; the parent's when left out. */
  env?: Record<string, string>;
  /** Written to stdin, so that a password never stands in an argument list. */
  input?: string;
  timeoutMs?: number;
}

/**
 * Runs a program to its end and returns its stdout. Throws with the exit code and its stderr when it fails or takes
 * longer than `timeoutMs` (default 60 s).
 */
export function runProgram(file: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { input, timeoutMs = 60_000, ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { ...rest, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 512 * 2 ** 20 },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const how = error.killed
          ? `was killed after ${timeoutMs} ms`
          : `failed (${error.code ?? error.signal})`;
        reject(new Error(`${file} ${args.join(' ')} ${how}: ${(stderr || stdout).trim()}`, { cause: error }));
      },
    );
    // A program that never reads its stdin closes it early; its exit code is what tells.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/**
 * For helm and kubectl, which live for a second and are started thousands of times: with five times their memory before
 * they collect garbage they need a fifth less of a processor.
 */
export const SHORT_LIVED = { GOGC: '400' };

/** What every child gets of this process's environment: nothing that could steer etcd, etcdctl or the job. */
export function plainEnv(extra: Record<string, string> = {}): Record<string, string> {
  const { PATH = '/usr/bin:/bin', HOME = '/' } = process.env;
  return { PATH, HOME, ...extra };
}
