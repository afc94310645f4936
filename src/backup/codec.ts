import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { abortable } from '../util/abortable.ts';
import { Failure } from '../errors.ts';
import type { Compression } from './manifest.ts';

/**
 * What zlib hands out at a time: larger pieces are no faster, and more of them lie about until they are collected. What
 * it takes in: one piece, and the next when it is done with that. By default it queues 64 KiB, and a source may already
 * have overwritten the first of them (`SnapshotStream`, `readChunks`).
 */
const PIECES = { chunkSize: 1 << 17, writableHighWaterMark: 1 };
/**
 * Not zstd's default level of 3: for a database of Kubernetes-like text that takes two and a half times the processor's
 * time, beside an etcd that needs it, and saves nothing (1 GiB: 56.4 MiB, with level 2 53.1 MiB). The checksum lets
 * `zstd -t` find damage without us.
 */
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 2, [constants.ZSTD_c_checksumFlag]: 1 };

type Source = AsyncIterable<Buffer>;
type Sink = (chunks: AsyncIterable<Buffer>) => Promise<void>;

/** Something that bytes pass through, say encryption. */
export type Layer = (chunks: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

/** How a snapshot becomes a stored file: first it is compressed, then it is sealed (encrypted), where it is. */
export interface Encoding {
  compression: Compression;
  seal?: Layer | undefined;
}

/** How a stored file becomes a snapshot again. */
export interface Decoding {
  compression: Compression;
  open?: Layer | undefined;
}

/**
 * Passes raw bytes on to `sink` as they are to be stored.
 * @throws what the source, the sink or the signal (its reason) threw first
 */
export function encode(
  source: Source,
  { compression, seal }: Encoding,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const last: Sink = seal ? (chunks) => sink(seal(chunks)) : sink;
  switch (compression) {
    case 'none':
      return pass(source, undefined, last, signal);
    case 'zstd':
      return pass(oneAhead(source), createZstdCompress({ ...PIECES, params: PARAMS }), last, signal);
    default:
      return compression satisfies never;
  }
}

/**
 * Passes stored bytes on to `sink` as they were before they were encoded.
 * @throws Failure `backup` when they cannot be decrypted or decompressed; else what the source, the sink or the signal
 * threw first
 */
export function decode(
  source: Source,
  { compression, open }: Decoding,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const first = open ? open(source) : source;
  switch (compression) {
    case 'none':
      return pass(first, undefined, sink, signal);
    case 'zstd':
      return decompress(first, sink, signal);
    default:
      return compression satisfies never;
  }
}

async function decompress(source: Source, sink: Sink, signal: AbortSignal): Promise<void> {
  try {
    await pass(source, createZstdDecompress(PIECES), sink, signal);
  } catch (error) {
    throw decodeFailure(error);
  }
}

async function pass(
  source: Source,
  transform: Transform | undefined,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  // Node stops streams, but not an iterable: that has to look at the signal which the pipeline hands to its source, or
  // an abort (and a sink's failure) would only be told when the source gives its next chunk, or its last.
  const chunks = (...[pipe]: { signal?: AbortSignal }[]) => chunksUntil(pipe?.signal ?? signal, source);
  try {
    await (transform ? pipeline(chunks, transform, sink, { signal }) : pipeline(chunks, sink, { signal }));
  } catch (error) {
    signal.throwIfAborted(); // the reason itself, not the AbortError around it
    throw error;
  }
}

/**
 * Asks for the next chunk before it hands out the last one, so that chunks are received and hashed while zstd is at
 * work in its thread. One ahead and no more: a source overwrites a chunk after two more have been asked for.
 */
async function* oneAhead(source: Source): AsyncGenerator<Buffer, void> {
  const chunks = source[Symbol.asyncIterator]();
  let coming = chunks.next();
  try {
    for (;;) {
      const next = await coming;
      if (next.done) return;
      coming = chunks.next();
      coming.catch(() => undefined); // thrown by the await above, when its turn comes
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

async function* chunksUntil(signal: AbortSignal, source: Source): AsyncGenerator<Buffer, void> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await abortable(chunks.next(), signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    const closed = chunks.return?.();
    // A source that hangs cannot be closed either; what it says later is about a stream that has already failed.
    if (signal.aborted) closed?.catch(() => undefined);
    else await closed;
  }
}

/** zlib's own errors, told by their codes; whatever else ended the stream has its words already. */
function decodeFailure(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !/^Z(?:STD)?_/.test(String(error.code)))
    return error;
  return new Failure(
    'backup',
    `the stored bytes cannot be decompressed (${error.message}): the file was cut short or damaged where it is stored`,
    { cause: error },
  );
}
