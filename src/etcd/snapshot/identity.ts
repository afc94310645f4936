import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { messageOf } from '../../errors.ts';
import { readBounded, TooManyBytes } from '../../util/bounded.ts';
import { memberStatusOf } from '../client/status.ts';
import { decodeStatus } from '../client/status-method.ts';
import { EtcdError } from '../errors.ts';
import type { MemberStatus } from '../types.ts';
import { startCall } from './session.ts';

const METHOD = '/etcdserverpb.Maintenance/Status';
const GRPC_HEADER_BYTES = 5;
/** A status has a few hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * The status of the member that this very connection leads to: behind a load balancer every connection of an endpoint may
 * lead to another one.
 * @throws EtcdError; what `signal` says when it comes first
 */
export async function statusBehind(
  session: ClientHttp2Session,
  token: string | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<MemberStatus> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  const { stream, ended } = startCall(session, METHOD, token, either);
  try {
    return memberStatusOf(decoded(await answerOf(stream, ended, either)));
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new EtcdError('timeout', `no status within ${timeoutMs / 1000} s`);
    throw error;
  }
}

async function answerOf(
  stream: ClientHttp2Stream,
  ended: Promise<void>,
  signal: AbortSignal,
): Promise<Buffer> {
  try {
    const answer = await readBounded(stream, MAX_ANSWER_BYTES, signal);
    await ended;
    return answer;
  } catch (error) {
    if (error instanceof TooManyBytes)
      throw new EtcdError('other', `its status has more than ${MAX_ANSWER_BYTES} bytes: is it etcd?`);
    await ended; // whose reason says more, where the server gave one
    throw error;
  }
}

function decoded(answer: Buffer): object {
  if (answer.length <= GRPC_HEADER_BYTES) throw new EtcdError('other', 'the member gave no status');
  try {
    return decodeStatus(answer.subarray(GRPC_HEADER_BYTES));
  } catch (error) {
    throw new EtcdError('other', `its status cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
