import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, guardProcess } from './process-guard.ts';
import { type ProcessUsage, usageOf } from './process-usage.ts';
import { plainEnv } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { REPOSITORY } from './repository.ts';

export type LogLine = Record<string, unknown>;

export interface JobOptions {
  /** The command and its arguments; `run` when left out, as in the image. */
  args?: string[];
  /** A job that runs longer is killed and its promise rejected with its log. Default 120 s. */
  timeoutMs?: number;
  /** Flags for node itself. */
  nodeArgs?: string[];
  /** Another program than the job's own, from the repository. */
  script?: string;
}

export interface JobResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The lines of stdout that are JSON objects. */
  lines: LogLine[];
  stdout: string;
  stderr: string;
  /** The line whose `msg` is `report`. */
  report: LogLine | undefined;
  terminationMessage: string | undefined;
  /** Where the kernel tells (Linux), read every 20 ms. */
  peakRssBytes: number | undefined;
  processorSeconds: number | undefined;
  /** From its start to its end. */
  seconds: number;
}

export interface Job extends AsyncDisposable {
  readonly pid: number | undefined;
  readonly lines: LogLine[];
  /** The first line, past or to come, that the predicate accepts; rejects with the log when none came in time. */
  waitForLine(predicate: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  kill(signal?: NodeJS.Signals): void;
  readonly finished: Promise<JobResult>;
}

const MAX_RUN_MS = 120_000;
const LINE_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** What runs as the job: the sources, or with JOB_SCRIPT another program, as the bundle (`dist/lib/main.js`). */
export const jobScript = (): string => process.env.JOB_SCRIPT ?? 'src/main.ts';

/** Runs the job to its end, whatever its exit code. Its environment is `env` and nothing else but PATH and HOME. */
export async function runJob(env: Record<string, string>, options: JobOptions = {}): Promise<JobResult> {
  const job = await startJob(env, options);
  return job.finished;
}

export async function startJob(env: Record<string, string>, options: JobOptions = {}): Promise<Job> {
  const { args = [], timeoutMs = MAX_RUN_MS, nodeArgs = [], script = jobScript() } = options;
  const scratch = await scratchFolder('job');
  const terminationLog = env.TERMINATION_LOG ?? join(scratch.path, 'termination-log');
  const began = performance.now();
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    cwd: REPOSITORY,
    env: plainEnv({ TERMINATION_LOG: terminationLog, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  guardProcess(child);
  let stdout = '';
  let stderr = '';
  let unfinishedLine = '';
  let usage: ProcessUsage | undefined;
  const lines: LogLine[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    const parts = (unfinishedLine + text).split('\n');
    unfinishedLine = parts.pop() ?? '';
    lines.push(...parts.flatMap(parseLine));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const log = () => `--- stdout\n${stdout}\n--- stderr\n${stderr}`;

  async function finish(): Promise<JobResult> {
    let tooLong = false;
    const bound = setTimeout(() => {
      tooLong = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const sampler = setInterval(() => {
      usage = usageOf(child.pid) ?? usage;
    }, POLL_MS);
    await once(child, 'close');
    const seconds = (performance.now() - began) / 1000;
    clearTimeout(bound);
    clearInterval(sampler);
    lines.push(...parseLine(unfinishedLine));
    const terminationMessage = await readFile(terminationLog, 'utf8').catch(() => undefined); // it may write none
    await scratch[Symbol.asyncDispose]();
    if (tooLong) throw new Error(`the job ran for more than ${timeoutMs} ms and was killed\n${log()}`);
    const report = lines.find(({ msg }) => msg === 'report');
    const { exitCode: code, signalCode: signal } = child;
    const { peakRssBytes, processorSeconds } = usage ?? {};
    const cost = { seconds, peakRssBytes, processorSeconds };
    return { code, signal, lines, stdout, stderr, report, terminationMessage, ...cost };
  }

  const finished = finish();
  finished.catch(() => {}); // whoever awaits it gets the error; nobody has to

  async function waitForLine(predicate: (line: LogLine) => boolean, limitMs = LINE_TIMEOUT_MS) {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const over = child.exitCode !== null || child.signalCode !== null;
      if (over) await finished;
      const line = lines.find(predicate);
      if (line !== undefined) return line;
      if (over) throw new Error(`the job ended without the line that was waited for\n${log()}`);
      if (Date.now() > deadline) throw new Error(`no such line within ${limitMs} ms\n${log()}`);
      await sleep(POLL_MS);
    }
  }

  return {
    pid: child.pid,
    lines,
    waitForLine,
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    finished,
    [Symbol.asyncDispose]: async () => {
      await endProcess(child, 'SIGKILL');
      await finished.catch(() => {}); // it was killed
    },
  };
}

function parseLine(line: string): LogLine[] {
  if (!line.startsWith('{')) return [];
  try {
    return [JSON.parse(line)];
  } catch {
    return []; // not one of the job's own lines; it stays in stdout
  }
}
