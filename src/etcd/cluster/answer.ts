import { pause } from '../../util/abortable.ts';
import { onceAMinute } from '../../util/time.ts';
import type { Connection } from '../client/connection.ts';
import { statusOnce } from '../client/status.ts';
import { type EtcdError, toEtcdError } from '../errors.ts';
import { type Identity, type MemberStatus, otherThan } from '../types.ts';

const POLL_MS = 500;

interface Patience {
  patienceMs: number;
  signal: AbortSignal;
  /** told of the first time that it does not answer, and then once a minute */
  onSilence?: () => void;
}

/**
 * Waits until the member answers as itself.
 * @returns undefined when it did not within the time; the error `access` when etcd refuses this run for good (somebody
 *   has changed the password), as nothing more comes after that
 */
export async function awaitAnswer(
  connection: Connection,
  meant: Identity,
  { patienceMs, signal, onSilence }: Patience,
): Promise<MemberStatus | EtcdError | undefined> {
  const deadline = performance.now() + patienceMs;
  const isToTell = onceAMinute();
  for (;;) {
    signal.throwIfAborted();
    const leftMs = Math.max(1, deadline - performance.now());
    const answer = await answerOf(connection, meant, leftMs);
    if (answer !== undefined) return answer;
    const now = performance.now();
    if (now >= deadline) return undefined;
    if (isToTell()) onSilence?.();
    await pause(Math.min(POLL_MS, deadline - now), signal);
  }
}

/** What the member says of itself, or that it refuses access; undefined where nobody answers, or somebody else. */
async function answerOf(
  connection: Connection,
  meant: Identity,
  leftMs: number,
): Promise<MemberStatus | EtcdError | undefined> {
  try {
    const timeoutMs = Math.min(leftMs, connection.settings.commandTimeoutMs);
    const status = await statusOnce(connection, timeoutMs);
    return otherThan(meant, status) === undefined ? status : undefined;
  } catch (error) {
    const reason = toEtcdError(error); // the end of the run, and a bug, go on
    return reason.code === 'access' ? reason : undefined;
  }
}
