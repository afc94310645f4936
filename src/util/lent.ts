/**
 * Who owns the bytes of a stream. Whoever hands out a snapshot piece by piece fills the same few buffers again and
 * again: new ones for a whole database would pile up faster than they are collected. So a piece is only lent:
 *
 * **it may be used until two more have been asked for; after that it is overwritten.**
 *
 * Two, and not one, so that a piece can be written while the next one comes in. Whoever needs a piece for longer has to
 * copy it, and the types make that visible: a lent piece is no `Buffer`, and can neither be collected nor kept as one.
 * At run time it is the buffer itself.
 */
export interface LentBuffer {
  readonly [LENT]: true;
  /** bytes */
  readonly length: number;
}

declare const LENT: unique symbol;

/** A stream of lent pieces. */
export type Chunks = AsyncIterable<LentBuffer>;

// The brand is in the types only, so that there is nothing to be set: hence overloads, which say what they return.

/** Hands a buffer out under the rule above. */
export function lend(buffer: Buffer): LentBuffer;
export function lend(buffer: Buffer): unknown {
  return buffer;
}

/** The bytes, for use at once: to look at, to hash, to write. */
export function bytesOf(piece: LentBuffer): Buffer;
export function bytesOf(piece: LentBuffer): unknown {
  return piece;
}

/** The bytes, to keep. */
export const copyOf = (piece: LentBuffer): Buffer => Buffer.from(bytesOf(piece));

/** Shows each piece to `see` on its way. */
export async function* observed(
  chunks: Chunks,
  see: (piece: LentBuffer) => void,
): AsyncGenerator<LentBuffer, void> {
  for await (const piece of chunks) {
    see(piece);
    yield piece;
  }
}

/**
 * The same bytes in pieces of that size, the last one shorter: for who does more for a piece than for a byte, and would get
 * them as a network hands them out.
 */
export async function* gathered(chunks: Chunks, pieceBytes: number): AsyncGenerator<LentBuffer, void> {
  // One may be in use while the next is filled: the third is asked for when the first is given up.
  const ring = [0, 1].map(() => Buffer.allocUnsafeSlow(pieceBytes));
  let turn = 0;
  let filled = 0;
  const current = (): Buffer => ring[turn % 2] ?? Buffer.alloc(0);
  for await (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; ) {
      const copied = bytesOf(chunk).copy(current(), filled, offset);
      offset += copied;
      filled += copied;
      if (filled < pieceBytes) break;
      yield lend(current());
      turn += 1;
      filled = 0;
    }
  }
  if (filled > 0) yield lend(current().subarray(0, filled));
}
