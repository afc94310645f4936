import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { abortableItems } from '../util/abortable.ts';
import type { Chunks, LentBuffer } from '../util/lent.ts';
import { Failure } from '../errors.ts';
import type { Compression } from '../config/backup.ts';

/**
 * What zlib hands out at a time: each piece is a turn of its thread, so with pieces of 128 KiB a backup takes a tenth more
 * of the processor's time; larger ones than this are new memory each time, which takes as much. What it takes in: one
 * piece, and the next when it is done with that. By default it queues 64 KiB, and the first of them may have been
 * overwritten by then (`LentBuffer`).
 */
const PIECES = { chunkSize: 1 << 19, writableHighWaterMark: 1 };
/**
 * Not zstd's default level of 3: for a database of Kubernetes-like text that takes two and a half times the processor's
 * time, beside an etcd that needs it, and saves nothing (1 GiB: 56.4 MiB, with level 2 53.1 MiB). The checksum lets
 * `zstd -t` find damage without us.
 */
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 2, [constants.ZSTD_c_checksumFlag]: 1 };

/**
 * How far back a stored file may refer, and so what its decoder keeps in memory: 8 MiB, which every decoder of zstd has to
 * have; level 2 needs 1. By zstd's own default a forged file could ask for 128 MiB.
 */
const LIMITED = { [constants.ZSTD_d_windowLogMax]: 23 };

/** Takes a stream to its end. */
export type Sink = (chunks: Chunks) => Promise<void>;

/** Something that bytes pass through, say encryption. */
export type Layer = (chunks: Chunks) => Chunks;

/** How a snapshot becomes a stored file: first it is compressed, then it is encrypted, where it is. */
export interface Encoding {
  compression: Compression;
  encrypt?: Layer | undefined;
}

/** How a stored file becomes a snapshot again. */
export interface Decoding {
  compression: Compression;
  decrypt?: Layer | undefined;
}

/**
 * Passes raw bytes on to `sink` as they are to be stored.
 * @throws what the source, the sink or the signal (its reason) threw first
 */
export function encode(
  source: Chunks,
  { compression, encrypt }: Encoding,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const last: Sink = encrypt ? (chunks) => sink(encrypt(chunks)) : sink;
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
  source: Chunks,
  { compression, decrypt }: Decoding,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const first = decrypt ? decrypt(source) : source;
  switch (compression) {
    case 'none':
      return pass(first, undefined, sink, signal);
    case 'zstd':
      return decompress(first, sink, signal);
    default:
      return compression satisfies never;
  }
}

async function decompress(source: Chunks, sink: Sink, signal: AbortSignal): Promise<void> {
  try {
    await pass(source, createZstdDecompress({ ...PIECES, params: LIMITED }), sink, signal);
  } catch (error) {
    throw decodeFailure(error);
  }
}

async function pass(
  source: Chunks,
  transform: Transform | undefined,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  // Node stops streams, but not an iterable: that has to look at the signal which the pipeline hands to its source, or
  // an abort (and a sink's failure) would only be told when the source gives its next chunk, or its last.
  const chunks = (...[pipe]: { signal?: AbortSignal }[]) => abortableItems(source, pipe?.signal ?? signal);
  try {
    await (transform ? pipeline(chunks, transform, sink, { signal }) : pipeline(chunks, sink, { signal }));
  } catch (error) {
    signal.throwIfAborted(); // the reason itself, not the AbortError around it
    throw error;
  }
}

/**
 * Asks for the next chunk before it hands out the last one, so that chunks are received and hashed while zstd is at
 * work in its thread. One ahead and no more: two would overwrite it.
 */
async function* oneAhead(source: Chunks): AsyncGenerator<LentBuffer, void> {
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
