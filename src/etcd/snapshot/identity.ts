import type { ClientHttp2Session } from 'node:http2';
import { memberIdIn } from '../client/calls.ts';
import { statusOf } from '../client/connection.ts';
import { EtcdError } from '../errors.ts';
import { call } from './session.ts';

const METHOD = '/etcdserverpb.Maintenance/Status';
const GRPC_HEADER_BYTES = 5;

/**
 * The member (its hexadecimal ID) that this very connection leads to: behind a load balancer every connection of an
 * endpoint may lead to another one.
 */
export async function memberBehind(
  session: ClientHttp2Session,
  token: string | undefined,
  timeoutMs: number,
): Promise<string> {
  const { stream, ended } = call(session, METHOD, token);
  stream.setTimeout(timeoutMs, () => {
    stream.destroy(new EtcdError('timeout', `no status within ${timeoutMs / 1000} s`));
  });
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  await ended;
  const answer = Buffer.concat(pieces);
  if (answer.length <= GRPC_HEADER_BYTES) throw new EtcdError('other', 'the member gave no status');
  return memberIdIn(statusOf(answer.subarray(GRPC_HEADER_BYTES)));
}
