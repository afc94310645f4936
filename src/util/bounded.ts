import { abortableItems } from './abortable.ts';

/**
 * Reading from somebody who may go on for ever: a server, a sink, a file that was named. Every such read has a bound in
 * bytes and a signal; a bound in time is part of the signal (`AbortSignal.timeout`, which no set clock moves).
 */

/** More came than was to be read. What had come by then is dropped, and the source is closed. */
export class TooManyBytes extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes came`);
    this.maxBytes = maxBytes;
  }
}

/** A piece of a stream, as far as it is counted. */
interface Piece {
  /** bytes */
  readonly length: number;
}

/**
 * The same pieces, until they are more than `maxBytes` together: then `tooMany` is thrown and the source is closed.
 * None of the piece that goes beyond is passed on.
 */
export async function* bounded<T extends Piece>(
  source: AsyncIterable<T>,
  maxBytes: number,
  tooMany: () => Error = () => new TooManyBytes(maxBytes),
): AsyncGenerator<T, void> {
  let left = maxBytes;
  for await (const piece of source) {
    left -= piece.length;
    if (left < 0) throw tooMany();
    yield piece;
  }
}

/** All bytes of a source that is to have no more than so many. @throws TooManyBytes; the signal's reason */
export async function readBounded(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bounded(abortableItems(source, signal), maxBytes)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The first bytes of a source, at most so many; the rest is not read, and the source is closed. */
export async function readHead(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of abortableItems(source, signal)) {
    pieces.push(piece);
    length += piece.length;
    if (length >= maxBytes) break;
  }
  return Buffer.concat(pieces).subarray(0, maxBytes);
}
