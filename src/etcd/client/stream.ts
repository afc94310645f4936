import type { IDuplexStream } from 'etcd3';
import { EtcdError } from '../errors.ts';

/**
 * Writes one request, and ends the stream with the first answer of which `read` makes something.
 * @param unanswered what to throw, in words, when the member ends it before that
 */
export async function askOnStream<Request, Answer, T>(
  stream: IDuplexStream<Request, Answer>,
  request: Request,
  read: (answer: Answer) => T | undefined,
  unanswered: string,
): Promise<T> {
  try {
    return await new Promise<T>((resolve, reject) => {
      // It stays for the cancellation that follows.
      stream.on('error', reject);
      stream.on('end', () => reject(new EtcdError('other', unanswered)));
      stream.on('data', (answer) => {
        const found = read(answer);
        if (found !== undefined) resolve(found);
      });
      stream.write(request);
    });
  } finally {
    // Ended before it is cancelled: etcd3 takes the error of a stream that is still open for a broken connection.
    stream.end();
    stream.cancel();
  }
}
