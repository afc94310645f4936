import type { IDuplexStream } from 'etcd3';
import { EtcdError } from '../errors.ts';

/** A member that has said so much without saying it is not going to. etcd itself needs one answer, or two. */
const MAX_ANSWERS = 100;

/**
 * Writes one request, and ends the stream with the first answer of which `read` makes something. What `read` throws
 * ends it too.
 * @param unanswered what to throw, in words, when the member ends it before that, or goes on without it
 */
export async function askOnStream<Request, Answer, T>(
  stream: IDuplexStream<Request, Answer>,
  request: Request,
  read: (answer: Answer) => T | undefined,
  unanswered: string,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let answers = 0;
  const giveUp = (): void => reject(new EtcdError('other', unanswered));
  function look(answer: Answer): void {
    try {
      const found = read(answer);
      if (found !== undefined) resolve(found);
    } catch (error) {
      reject(error);
    }
    answers += 1;
    if (answers >= MAX_ANSWERS) giveUp();
  }
  stream.on('error', reject); // It stays for the cancellation that follows.
  stream.on('end', giveUp);
  stream.on('data', look);
  stream.write(request);
  try {
    return await promise;
  } finally {
    // Ended before it is cancelled: etcd3 takes the error of a stream that is still open for a broken connection.
    stream.end();
    stream.cancel();
  }
}
