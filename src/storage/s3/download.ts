import { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { pause } from '../../util/abortable.ts';
import { refusal } from '../file/errors.ts';
import { attempt, s3Failure } from './errors.ts';
import { requestOn, type Folder, objectOf, optionsOf, urlOf } from './folder.ts';

export interface ReadOptions {
  signal?: AbortSignal;
  /** What a failure means for the run. */
  consequence?: string;
}

/** How often a connection may break without a mebibyte having come through since. */
const MAX_BREAKS = 5;
const PROGRESS_BYTES = 2 ** 20;
const PAUSE_MS = 200;

/**
 * An object's bytes, in pieces as the network hands them out: nothing is read ahead. Where the connection breaks, a
 * ranged request goes on at the byte that was reached, if the object is still the same.
 */
export async function* readObject(
  folder: Folder,
  name: string,
  { signal, consequence = '' }: ReadOptions = {},
): AsyncGenerator<Buffer, void> {
  const asked = { ...requestOn(folder, name, 'read', 's3:GetObject'), consequence };
  let offset = 0;
  let lasting = 0;
  let breaks = 0;
  let first: Answer | undefined;
  for (;;) {
    const from = { offset, etag: first?.etag };
    const answer = await attempt(asked, () => get(folder, name, from, signal), signal);
    first ??= answer;
    let broken: unknown = new Error(`the answer ended at byte ${offset} of ${first.size}`);
    try {
      // A socket yields buffers; its type does not say so.
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        offset += chunk.length;
        yield chunk;
      }
    } catch (error) {
      signal?.throwIfAborted();
      broken = error;
    }
    if (offset >= first.size) return;
    breaks = offset - lasting >= PROGRESS_BYTES ? 1 : breaks + 1;
    lasting = offset;
    if (breaks > MAX_BREAKS) throw s3Failure(asked, broken);
    await pause(PAUSE_MS * breaks, signal);
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
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const range =
    offset === 0 ? {} : { Range: `bytes=${offset}-`, ...(etag !== undefined && { IfMatch: etag }) };
  const command = new GetObjectCommand({ ...objectOf(folder, name), ...range });
  const { Body, ContentLength, ContentRange, ETag } = await folder.client.send(command, optionsOf(signal));
  if (!(Body instanceof Readable) || ContentLength === undefined) {
    throw refusal(
      `${urlOf(folder, name)} came without its length`,
      'look at the server: this is not how S3 answers',
    );
  }
  if (offset > 0 && !ContentRange?.startsWith(`bytes ${offset}-`)) {
    Body.destroy();
    throw refusal(
      `reading ${urlOf(folder, name)} could not go on at byte ${offset} after the connection broke`,
      'look at the server or the proxy in between: it does not know ranges',
    );
  }
  return { body: Body, size: offset + ContentLength, etag: ETag };
}
