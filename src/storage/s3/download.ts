import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { pause } from '../../util/abortable.ts';
import { gathered, type LentBuffer, lend } from '../../util/lent.ts';
import { StoreError } from '../errors.ts';
import { toStoreError } from './errors.ts';
import { type Folder, objectOf, urlOf } from './folder.ts';
import { attempt, requestOn, tooSlow } from './request.ts';

/** How often a connection may break without a mebibyte having come through since. */
const MAX_BREAKS = 5;
const PROGRESS_BYTES = 2 ** 20;
const PAUSE_MS = 200;

/** As a file is read: the network hands out 64 KiB at the most, and each piece is a turn of zstd's thread. */
const PIECE_BYTES = 2 ** 20;

/** An object's bytes. @throws StoreError */
export const readObject = (folder: Folder, name: string): AsyncGenerator<LentBuffer, void> =>
  gathered(receive(folder, name), PIECE_BYTES);

/**
 * An object's bytes, in pieces as the network hands them out: nothing is read ahead. Where the connection breaks, a
 * ranged request goes on at the byte that was reached, if the object is still the same.
 *
 * A server that sends in chunks need not tell the length: then it is over where the server ends it. Whether that is all
 * of it, and how much may come at the most, is for the reader to know.
 */
async function* receive(folder: Folder, name: string): AsyncGenerator<LentBuffer, void> {
  const read: Progress = { offset: 0, size: undefined, etag: undefined };
  let lasting = 0;
  let breaks = 0;
  for (;;) {
    const body = await open(folder, name, read);
    let broken: unknown;
    try {
      for await (const chunk of paced(folder, name, body)) {
        read.offset += chunk.length;
        yield lend(chunk);
      }
      broken = new Error(`the answer ended at byte ${read.offset} of ${read.size}`);
      if (read.size === undefined) return;
    } catch (error) {
      folder.signal.throwIfAborted();
      broken = error;
    }
    if (read.offset === read.size) return;
    breaks = read.offset - lasting >= PROGRESS_BYTES ? 1 : breaks + 1;
    lasting = read.offset;
    if (breaks > MAX_BREAKS || broken instanceof StoreError)
      throw toStoreError(reading(folder, name), broken);
    await pause(PAUSE_MS * breaks, folder.signal);
  }
}

const reading = (folder: Folder, name: string) => requestOn(folder, name, 'read', 's3:GetObject');

/** The same bytes. A mebibyte may take as long as an answer; what the reader does with it meanwhile does not count. */
async function* paced(folder: Folder, name: string, body: Readable): AsyncGenerator<Buffer, void> {
  let waited = 0;
  let bytes = 0;
  let since = performance.now();
  // A socket yields buffers; its type does not say so.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    waited += performance.now() - since;
    if (waited > folder.requestTimeoutMs) throw tooSlow(reading(folder, name), folder.requestTimeoutMs);
    bytes += chunk.length;
    if (bytes >= PROGRESS_BYTES) [waited, bytes] = [0, 0];
    yield chunk;
    since = performance.now();
  }
}

/** How far an object was read, and what is known of it by the answers so far. */
interface Progress {
  /** bytes */
  offset: number;
  /** Of the whole object, in bytes. */
  size: number | undefined;
  etag: string | undefined;
}

/** The bytes from the offset on; notes what the answer tells. */
async function open(folder: Folder, name: string, read: Progress): Promise<Readable> {
  const { offset, etag } = read;
  const command = new GetObjectCommand({
    ...objectOf(folder, name),
    ...(offset > 0 && { Range: `bytes=${offset}-` }),
    ...(offset > 0 && etag !== undefined && { IfMatch: etag }),
  });
  const answer = await attempt(folder, reading(folder, name), (options) =>
    folder.client.send(command, options),
  );
  const problem = note(answer, read);
  if (answer.Body instanceof Readable && problem === undefined) return answer.Body;
  if (answer.Body instanceof Readable) answer.Body.destroy();
  throw new StoreError(
    'other',
    `${urlOf(folder, name)} could not be read on at byte ${offset}: ${problem ?? 'no bytes came'}`,
    'look at the server or the proxy in between: this is not how S3 answers',
  );
}

/** Notes what an answer tells of the object; what it contradicts is returned, in words. */
function note(
  { ContentLength, ContentRange, ETag }: GetObjectCommandOutput,
  read: Progress,
): string | undefined {
  const { offset, etag } = read;
  const part = ContentRange === undefined ? { from: 0, total: ContentLength } : partOf(ContentRange);
  if (part.from !== offset) return 'the answer does not begin there, so its server knows no ranges';
  const size = read.size ?? part.total;
  const ends = ContentLength === undefined ? undefined : offset + ContentLength;
  if ([part.total, ends].some((said) => said !== undefined && said !== size))
    return 'the answer contradicts itself, or the one before, about its length';
  if (etag !== undefined && ETag !== undefined && ETag !== etag) return 'the answer is of another object';
  read.size = size;
  read.etag = etag ?? (ETag === '' ? undefined : ETag);
  return undefined;
}

/** What a part says of itself: where it begins, and the length of the whole. */
function partOf(contentRange: string): { from: number; total: number | undefined } {
  const [, from, total] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(contentRange) ?? [];
  return { from: Number(from), total: total === undefined || total === '*' ? undefined : Number(total) };
}
