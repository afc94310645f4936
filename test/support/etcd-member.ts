import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, guardProcess } from './process-guard.ts';
import type { Access } from './etcdctl.ts';
import { request } from './http-request.ts';
import { plainEnv } from './run-program.ts';
import { type MemberStatus, readStatus } from './member-status.ts';
import { type EtcdVersion, etcdBinary } from './tools.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const PROBE_TIMEOUT_MS = 2000;
/** A member that runs answers sooner, also on a busy machine. */
const PAUSED_TIMEOUT_MS = 500;
const POLL_MS = 20;
const LOG_TAIL_LINES = 25;

export interface MemberSpec {
  index: number;
  name: string;
  version: EtcdVersion;
  clientUrl: string;
  /** Where its health, its metrics and its JSON gateway are. */
  httpUrl: string;
  /** What it tells clients; a proxy's URL where one stands in front. */
  advertisedUrl: string;
  listenPeerUrl: string;
  /** What it tells the others; a proxy's URL where one stands in front. */
  peerUrl: string;
  dataDir: string;
  logFile: string;
  access: Access;
  /** The flags for a start at this moment. */
  flags(version: EtcdVersion): string[];
  etcdctl(clientUrl: string, args: string[]): Promise<string>;
}

export interface StartOptions {
  /** From now on; the data stays. */
  version?: EtcdVersion;
  /** `false`: returns once the process runs, for a member that cannot become healthy. */
  wait?: boolean;
}

export interface Member extends Omit<MemberSpec, 'flags' | 'etcdctl' | 'access'> {
  /** Hexadecimal, as etcdctl prints it. */
  id: string;
  readonly pid: number | undefined;
  readonly running: boolean;
  start(options?: StartOptions): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGSTOP, and waits until nothing answers; connections stay open. */
  pause(): Promise<void>;
  resume(): void;
  /** Waits until it answers a linearizable read, so it has a leader; alarms do not count. Default 60 s. */
  waitHealthy(timeoutMs?: number): Promise<void>;
  status(timeoutMs?: number): Promise<MemberStatus>;
  /** etcdctl with this member as its only endpoint, whatever it advertises. */
  etcdctl(...args: string[]): Promise<string>;
  /** The last lines of its log. */
  log(lines?: number): Promise<string>;
}

/** A member that is described and not started. */
export function createMember(spec: MemberSpec): Member {
  let version = spec.version;
  let child: ChildProcess | undefined;
  const runs = () => child !== undefined && child.exitCode === null && child.signalCode === null;

  async function start(options: StartOptions = {}): Promise<void> {
    if (runs()) throw new Error(`${spec.name} is running already`);
    version = options.version ?? version;
    const binary = await etcdBinary(version);
    const logFile = openSync(spec.logFile, 'a');
    child = spawn(binary, spec.flags(version), { stdio: ['ignore', logFile, logFile], env: plainEnv() });
    closeSync(logFile);
    guardProcess(child);
    if (options.wait ?? true) await waitHealthy();
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined) return;
    if (signal !== 'SIGKILL') child.kill('SIGCONT'); // a paused process would not see it
    const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await endProcess(child, signal);
    clearTimeout(timer);
  }

  /** On a busy machine its threads go on for a moment: long enough to win an election. */
  async function pause(): Promise<void> {
    child?.kill('SIGSTOP');
    while (await answers()) await sleep(POLL_MS);
  }

  const answers = (): Promise<boolean> =>
    readStatus(spec.httpUrl, spec.access, PAUSED_TIMEOUT_MS).then(
      () => true,
      () => false,
    );

  async function waitHealthy(timeoutMs = START_TIMEOUT_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    const url = `${spec.httpUrl}/health?exclude=NOSPACE&exclude=CORRUPT`;
    let last = 'nothing answered';
    while (Date.now() < deadline) {
      if (!runs()) throw new Error(`${spec.name} (etcd ${version}) is not running\n${await log()}`);
      const answer = await request(url, { tls: spec.access.tls, timeoutMs: PROBE_TIMEOUT_MS }).catch(
        (error: unknown) => {
          last = String(error);
          return undefined;
        },
      );
      if (answer?.text.includes('"health":"true"')) return;
      if (answer !== undefined) last = answer.text.trim();
      await sleep(POLL_MS);
    }
    throw new Error(`${spec.name} was not healthy within ${timeoutMs} ms: ${last}\n${await log()}`);
  }

  async function log(lines = LOG_TAIL_LINES): Promise<string> {
    const text = await readFile(spec.logFile, 'utf8').catch(() => '(no log)'); // it never started
    return text.trimEnd().split('\n').slice(-lines).join('\n');
  }

  return {
    ...spec,
    id: '',
    get version() {
      return version;
    },
    get pid() {
      return runs() ? child?.pid : undefined;
    },
    get running() {
      return runs();
    },
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause,
    resume: () => void child?.kill('SIGCONT'),
    waitHealthy,
    status: (timeoutMs) => readStatus(spec.httpUrl, spec.access, timeoutMs),
    etcdctl: (...args) => spec.etcdctl(spec.clientUrl, args),
    log,
  };
}
