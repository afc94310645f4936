import { pause } from '../../util/abortable.ts';
import type { Connection } from '../client/connection.ts';
import { defragmentMember } from '../client/maintenance.ts';
import { type EtcdError, mayHaveBeenDone, toEtcdError } from '../errors.ts';
import type { Identity, MemberStatus } from '../types.ts';
import { awaitAnswer } from './answer.ts';
import type { Permit } from './permit.ts';

/** One member's defragmentation, from its beginning until it is seen what came of it. */

/** How many times DEFRAG_TIMEOUT a member is waited for in all. */
const PATIENCE = 3;

/** What was cut on its way to the member may only be about to begin there. */
const ARRIVAL_MS = 500;

export interface Ending {
  /** what the call ended with, where it failed */
  error: EtcdError | undefined;
  /**
   * what the member says of itself afterwards; undefined: it has not answered until it was given up, or etcd refused the
   * whole before it began
   */
  after: MemberStatus | EtcdError | undefined;
  /** until it answered, or was given up */
  ms: number;
}

interface Waiting {
  /** how long the member may take; it is waited for three times as long in all */
  timeoutMs: number;
  signal: AbortSignal;
  /** told at once when the member does not answer after the call, and once a minute from then on */
  onSilence: (ms: number) => void;
}

/**
 * Nobody may touch anything before the member answers, however the call ended: its defragmentation may still be going
 * on, since nothing stops it but its end. While it goes on the member answers nobody (seen on 3.4 to 3.7).
 */
export async function defragmentAndAwait(
  permit: Permit,
  connection: Connection,
  meant: Identity,
  { timeoutMs, signal, onSilence }: Waiting,
): Promise<Ending> {
  const began = performance.now();
  const elapsed = (): number => performance.now() - began;
  const error = await defragmentMember(permit, connection, timeoutMs).then(() => undefined, toEtcdError);
  if (error !== undefined && !mayHaveBeenDone(error.code)) return { error, after: undefined, ms: elapsed() };
  if (error !== undefined) await pause(ARRIVAL_MS, signal);
  const after = await awaitAnswer(connection, meant, {
    patienceMs: PATIENCE * timeoutMs - elapsed(),
    signal,
    onSilence: () => onSilence(elapsed()),
  });
  return { error, after, ms: elapsed() };
}
