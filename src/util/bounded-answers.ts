import { subscribe } from 'node:diagnostics_channel';
import { ClientRequest, IncomingMessage } from 'node:http';
import { TooManyBytes } from './bounded.ts';
import { boundInterim } from './http-request.ts';

/**
 * Libraries read answers, too, and some without a bound: the AWS SDK those of whoever gives it credentials, by clients of
 * its own making. So every HTTP answer of this process has a bound, unless its reader says that he has one himself.
 */

/** Above what our own readers take of an answer, so that it is they who tell of it. */
const MAX_BYTES = 16 * 2 ** 20;

const freed = new WeakSet<object>();

/** For an answer that is read piece by piece, however many they are. */
export function readByPieces(answer: object): void {
  freed.add(answer);
}

let watching = false;

/** From now on. Once is enough. */
export function boundAnswers(): void {
  if (watching) return;
  watching = true;
  subscribe('http.client.request.created', (message) => {
    const { request } = Object(message);
    if (request instanceof ClientRequest) boundInterim(request);
  });
  subscribe('http.client.response.finish', (message) => {
    const { response } = Object(message);
    if (response instanceof IncomingMessage) bound(response);
  });
}

/** Where Node hands over what came: whoever listened for data would begin to read. */
function bound(answer: IncomingMessage): void {
  const push = answer.push.bind(answer);
  let bytes = 0;
  answer.push = (chunk: Uint8Array | null, encoding) => {
    bytes += chunk?.length ?? 0;
    if (bytes <= MAX_BYTES || freed.has(answer)) return push(chunk, encoding);
    answer.destroy(new TooManyBytes(MAX_BYTES));
    return false;
  };
}
