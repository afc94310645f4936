import { Failure } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { pause } from '../../util/abortable.ts';
import { onceAMinute } from '../../util/time.ts';
import { type EtcdError, toEtcdError } from '../errors.ts';
import type { Lock } from '../lock/lock.ts';
import type { ClusterStatus, Verdict } from '../types.ts';
import type { ClusterClient } from './discover.ts';
import { readAgain } from './reread.ts';

/** The one way to a change of the cluster: it was read again and judged again, and the lock is this run's, just before it. */

/** Not exported: nobody else can write down a `Permit`. */
const PERMIT = Symbol('permit');

/** What every call that changes the cluster asks for. It is for the next change only. */
export interface Permit {
  readonly [PERMIT]: true;
  /** as it was read and judged */
  readonly cluster: ClusterStatus;
}

/** How long the cluster has to be well on end, and how much longer may be waited for that; milliseconds. */
export interface Pace {
  steadyMs: number;
  patienceMs: number;
}

/** How a step comes to the right to change something. */
export interface Gate {
  /** Before a change. @throws Failure `refused`, `step` */
  permit(): Promise<Permit>;
  /** Before a look, and after a change before anybody goes on. @throws Failure `refused` */
  settled(pace?: Pace): Promise<ClusterStatus>;
}

interface GateInput {
  client: ClusterClient;
  /** as it was when the plan was made */
  planned: ClusterStatus;
  /** the rules of the plan, for the step that wants to change something */
  judge: (now: ClusterStatus) => Verdict;
  lock: Lock;
  log: Log;
  signal: AbortSignal;
}

const POLL_MS = 500;

/** Before a change: long enough for an election, too short for a sick member to go unnoticed. */
const BEFORE_A_CHANGE: Pace = { steadyMs: 0, patienceMs: 10_000 };

export function openGate(input: GateInput): Gate {
  const settled = (pace = BEFORE_A_CHANGE): Promise<ClusterStatus> => awaitGo(input, pace);
  return {
    settled,
    permit: async () => {
      const cluster = await settled();
      await input.lock.ensure();
      return { [PERMIT]: true, cluster };
    },
  };
}

/** Waits until nothing has been against it for `steadyMs` without a break: an election in between is no illness. */
async function awaitGo(input: GateInput, { steadyMs, patienceMs }: Pace): Promise<ClusterStatus> {
  const deadline = performance.now() + steadyMs + patienceMs;
  let wellSince: number | undefined;
  const isToTell = onceAMinute();
  for (;;) {
    const { cluster, verdict } = await look(input);
    if (verdict.kind === 'never') throw new Failure('refused', verdict.reason);
    const now = performance.now();
    wellSince = verdict.kind === 'go' ? (wellSince ?? now) : undefined;
    if (cluster !== undefined && wellSince !== undefined && now - wellSince >= steadyMs) return cluster;
    if (now >= deadline) throw new Failure('refused', unwell(verdict, steadyMs));
    if (verdict.kind === 'not-now' && isToTell())
      input.log.warn({ reason: verdict.reason }, 'cluster is not well yet, waiting for it');
    await pause(POLL_MS, input.signal);
  }
}

/** A cluster that cannot be read is not one in which nothing has changed. */
async function look(input: GateInput): Promise<{ cluster?: ClusterStatus; verdict: Verdict }> {
  try {
    const cluster = await readAgain(input.client, input.planned, input.signal);
    return { cluster, verdict: input.judge(cluster) };
  } catch (error) {
    return { verdict: { kind: 'not-now', reason: unread(toEtcdError(error)) } };
  }
}

const unread = ({ message }: EtcdError): string =>
  `the member list could not be read (${message}), so nobody knows whether the cluster is still the one that was planned for`;

const unwell = (verdict: Verdict, steadyMs: number): string =>
  verdict.kind === 'go' ? `the cluster was not well for ${steadyMs / 1000} s on end` : verdict.reason;
