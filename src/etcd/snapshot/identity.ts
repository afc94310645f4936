import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { memberIdIn } from '../client/status.ts';
import { decodeStatus } from '../client/status-method.ts';
import { EtcdError } from '../errors.ts';
import { startCall } from './session.ts';

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
  const { stream, ended } = startCall(session, METHOD, token);
  stream.setTimeout(timeoutMs, () => {
    stream.destroy(new EtcdError('timeout', `no status within ${timeoutMs / 1000} s`));
  });
  const answer = await bytesOf(stream, ended);
  if (answer.length <= GRPC_HEADER_BYTES) throw new EtcdError('other', 'the member gave no status');
  return memberIdIn(decodeStatus(answer.subarray(GRPC_HEADER_BYTES)));
}

async function bytesOf(stream: ClientHttp2Stream, ended: Promise<void>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of stream) pieces.push(piece);
  } catch (error) {
    await ended; // whose reason says more, where the server gave one
    throw error;
  }
  await ended;
  return Buffer.concat(pieces);
}
