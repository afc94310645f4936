import { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { pause } from '../../util/abortable.ts';
import { type LentBuffer, lend } from '../../util/lent.ts';
import { StoreError } from '../errors.ts';
import { toStoreError } from './errors.ts';
import { type Folder, objectOf, urlOf } from './folder.ts';
import { attempt, requestOn } from './request.ts';

/** How often a connection may break without a mebibyte having come through since. */
const MAX_BREAKS = 5;
const PROGRESS_BYTES = 2 ** 20;
const PAUSE_MS = 200;

/**
 * An object's bytes, in pieces as the network hands them out: nothing is read ahead. Where the connection breaks, a
 * ranged request goes on at the byte that was reached, if the object is still the same.
 */
export async function* readObject(folder: Folder, name: string): AsyncGenerator<LentBuffer, void> {
  const request = requestOn(folder, name, 'read', 's3:GetObject');
  let offset = 0;
  let lasting = 0;
  let breaks = 0;
  let first: Answer | undefined;
  for (;;) {
    const answer = await get(folder, name, { offset, etag: first?.etag });
    first ??= answer;
    let broken: unknown = new Error(`the answer ended at byte ${offset} of ${first.size}`);
    try {
      // A socket yields buffers; its type does not say so.
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        offset += chunk.length;
        yield lend(chunk);
      }
    } catch (error) {
      folder.signal.throwIfAborted();
      broken = error;
    }
    if (offset >= first.size) return;
    breaks = offset - lasting >= PROGRESS_BYTES ? 1 : breaks + 1;
    lasting = offset;
    if (breaks > MAX_BREAKS) throw toStoreError(request, broken);
    await pause(PAUSE_MS * breaks, folder.signal);
  }
}

interface Answer {
  body: Readable;
  /** Of the whole object. */
  size: number;
  etag: string | undefined;
}

async function get(
  folder: Folder,
  name: string,
  { offset, etag }: { offset: number; etag: string | undefined },
): Promise<Answer> {
  const range =
    offset === 0 ? {} : { Range: `bytes=${offset}-`, ...(etag !== undefined && { IfMatch: etag }) };
  const command = new GetObjectCommand({ ...objectOf(folder, name), ...range });
  const request = requestOn(folder, name, 'read', 's3:GetObject');
  const answer = await attempt(folder, request, (options) => folder.client.send(command, options));
  const { Body, ContentLength, ContentRange, ETag } = answer;
  if (!(Body instanceof Readable) || ContentLength === undefined) {
    throw new StoreError(
      'other',
      `${urlOf(folder, name)} came without its length`,
      'look at the server: this is not how S3 answers',
    );
  }
  if (offset > 0 && !ContentRange?.startsWith(`bytes ${offset}-`)) {
    Body.destroy();
    throw new StoreError(
      'other',
      `reading ${urlOf(folder, name)} could not go on at byte ${offset} after the connection broke`,
      'look at the server or the proxy in between: it does not know ranges',
    );
  }
  return { body: Body, size: offset + ContentLength, etag: ETag };
}
