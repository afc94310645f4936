import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, guardProcess } from '../process-guard.ts';
import { plainEnv } from '../run-program.ts';

const START_TIMEOUT_MS = 90_000;
const POLL_MS = 100;
const LOG_TAIL_LINES = 25;

/** A program that runs until its scope ends. */
export interface Component extends AsyncDisposable {
  readonly pid: number | undefined;
  /** Asks until the answer is yes. Throws with the end of the log when the program ends first or takes over 90 s. */
  waitUntil(what: string, ask: () => Promise<boolean>): Promise<void>;
  readonly logFile: string;
  signal(which: NodeJS.Signals): void;
  /** The last lines of its output. */
  log(lines?: number): Promise<string>;
}

/** Starts `file args...`; its output goes to `<name>.log` in the folder. */
export function startComponent(
  name: string,
  [file, ...args]: Command,
  folder: string,
  env: Record<string, string> = {},
): Component {
  const path = join(folder, `${name}.log`);
  const output = openSync(path, 'a');
  const child = spawn(file, args, { stdio: ['ignore', output, output], env: plainEnv(env) });
  closeSync(output);
  guardProcess(child);

  async function log(lines = LOG_TAIL_LINES): Promise<string> {
    return (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-lines).join('\n');
  }

  async function waitUntil(what: string, ask: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    let last = 'the answer was no';
    while (Date.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(
          `${name} ended (${child.exitCode ?? child.signalCode}) before ${what}\n${await log()}`,
        );
      }
      try {
        if (await ask()) return;
      } catch (error) {
        last = String(error); // not yet: the deadline tells
      }
      await sleep(POLL_MS);
    }
    throw new Error(`${name} runs, but not ${what} within ${START_TIMEOUT_MS} ms: ${last}\n${await log()}`);
  }

  return {
    pid: child.pid,
    logFile: path,
    signal: (which) => void child.kill(which),
    waitUntil,
    log,
    [Symbol.asyncDispose]: () => endProcess(child, 'SIGKILL'),
  };
}

/** A program and its arguments. */
export type Command = [file: string, ...args: string[]];
