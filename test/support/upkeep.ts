import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StepName } from '../../src/plan/steps.ts';
import type { MemberReport } from '../../src/run/members.ts';
import type { Report } from '../../src/run/report.ts';
import { type CallHook, type CallProxy, startCallProxy } from './call-proxy.ts';
import { type Cluster, type ClusterOptions, startCluster } from './etcd.ts';
import type { JobResult, LogLine } from './job.ts';
import { reportOf } from './report.ts';
import { type Scratch, scratchFolder } from './scratch.ts';

export const LOCK_KEY = 'etcd-upkeep/lock';
export const MIB = 2 ** 20;

type MemberHook = (memberName: string, request: Buffer) => ReturnType<CallHook>;

/** A cluster of plain text with a call proxy before every member, and a store. */
export interface Place extends AsyncDisposable {
  readonly cluster: Cluster;
  /** In the order of the members. */
  readonly proxies: readonly CallProxy[];
  readonly store: string;
  /** The job's environment: quick, and every member is worth defragmenting whatever its size. */
  env(extra?: Record<string, string>): Record<string, string>;
  proxy(memberId: string): CallProxy;
  /** A hook for one method at every proxy; it is told the name of the member that was called. */
  readonly before: (method: string, hook: MemberHook) => void;
}

export async function startPlace(options: ClusterOptions = {}): Promise<Place> {
  const stack = new AsyncDisposableStack();
  const proxies: CallProxy[] = [];
  const store: Scratch = stack.use(await scratchFolder('store'));
  const advertise = async ({ index, clientUrl }: { index: number; clientUrl: string }) => {
    const proxy = stack.use(await startCallProxy(clientUrl));
    proxies[index] = proxy;
    return proxy.url;
  };
  try {
    const cluster = stack.use(await startCluster({ advertise, ...options }));
    return {
      cluster,
      proxies,
      store: store.path,
      env: (extra) => ({
        ...cluster.env,
        BACKUP_STORE: `file://${store.path}`,
        LOCK_TTL: '5s',
        COMPACTION_RETENTION: '2',
        DEFRAG_WAIT: '0s',
        DEFRAG_MIN_DB_SIZE: '0',
        DEFRAG_MIN_FRAGMENTATION: '0',
        ...extra,
      }),
      proxy(memberId) {
        const index = cluster.members.findIndex(({ id }) => id === memberId);
        const found = proxies[index];
        assert.ok(found, `there is no proxy before ${memberId}`);
        return found;
      },
      before(method, hook) {
        for (const [index, proxy] of proxies.entries()) {
          proxy.before(method, (request) => hook(cluster.member(index).name, request));
        }
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Asserts how the run ended and returns its report; what went wrong is in the message. */
export function ended(result: JobResult, code: number, outcome: Report['outcome']): Report {
  const report = reportOf(result);
  const told = { code: result.code, outcome: report.outcome, exitCode: report.exitCode };
  assert.deepEqual(told, { code, outcome, exitCode: code }, `${result.stdout}\n${result.stderr}`);
  assert.equal(result.stderr, '');
  return report;
}

/** Asserts one step's status, and its reason where a pattern is given. */
export function step(report: Report, name: StepName, status: string, reason?: RegExp): void {
  const found = report.steps[name];
  assert.equal(found.status, status, JSON.stringify(report.steps, null, 1));
  if (reason) assert.match(found.reason, reason);
}

export function memberOf(report: Report, name: string): MemberReport {
  const found = report.members.find((member) => member.name === name);
  assert.ok(found, `${name} is not in the report`);
  return found;
}

/** The names of members whose log line has that message, in order. */
export const membersIn = (lines: readonly LogLine[], msg: string): unknown[] =>
  lines.filter((line) => line.msg === msg).map((line) => line.member);

export const says =
  (msg: string) =>
  (line: LogLine): boolean =>
    line.msg === msg;

/** Fails where a run has left the lock's key or a lease behind. */
export async function assertUnlocked(cluster: Cluster): Promise<void> {
  assert.equal(await cluster.etcdctl('get', LOCK_KEY), '');
  assert.match(await cluster.etcdctl('lease', 'list'), /found 0 leases/);
}

/** The lease that the lock's key hangs on, decimal; undefined where there is no key. */
export async function lockLease(cluster: Cluster): Promise<string | undefined> {
  const { kvs } = Object(await cluster.etcdctlJson('get', LOCK_KEY));
  return Array.isArray(kvs) ? String(kvs[0].lease) : undefined;
}

/** Whether the member still knows what was at that revision. */
export async function hasHistoryAt(cluster: Cluster, revision: number): Promise<boolean> {
  try {
    await cluster.etcdctl('get', 'nothing', `--rev=${revision}`);
    return true;
  } catch (error) {
    if (String(error).includes('required revision has been compacted')) return false;
    throw error;
  }
}

export interface Held {
  /** Resolves when such a call has arrived; rejects when none has after a minute, say because the job failed. */
  reached(): Promise<void>;
  /** Has it passed on. */
  release(): void;
}

/** Holds every call of that method at every member, before it gets there, until it is released. */
export function holdCalls(place: Place, method: string): Held {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  place.before(method, () => {
    arrived.resolve();
    return released.promise;
  });
  return { reached: () => within(arrived.promise, `a call of ${method}`), release: released.resolve };
}

const PATIENCE_MS = 60_000;

/** Rejects when the promise has not resolved after a minute, so that a test fails instead of hanging. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const timer = new AbortController();
  const late = sleep(PATIENCE_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} was waited for in vain for ${PATIENCE_MS} ms`);
  });
  late.catch(() => {}); // the timer is ended when it is not needed
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
