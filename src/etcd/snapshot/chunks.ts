import { EtcdError, toEtcdError } from '../errors.ts';
import { BlobReader } from './grpc-frames.ts';
import type { GrpcCall } from './session.ts';

const CHUNK_BYTES = 1 << 20;
/** A member that sends nothing for so long is not sending a snapshot any more. */
const STALL_MS = 60_000;

export interface Piece {
  /** how many bytes the member said would come in all */
  announced: number;
  chunk: Buffer;
}

/** The snapshot that comes by a call, in chunks of 1 MiB, the last one shorter. @throws EtcdError */
export async function* chunksOf({ stream, ended }: GrpcCall): AsyncGenerator<Piece, void> {
  const ring = new ChunkRing();
  const reader = new BlobReader();
  const stall = stallWatch(() =>
    stream.destroy(new EtcdError('timeout', `no byte of the snapshot came for ${STALL_MS / 1000} s`)),
  );
  try {
    for await (const data of stream) {
      // Whatever else comes is no progress: a member that cannot read its own file sends empty messages for ever.
      for (const blob of reader.feed(data)) {
        stall.busy();
        for (const chunk of ring.fill(blob)) yield { announced: reader.announced(), chunk };
        stall.waiting();
      }
    }
  } catch (error) {
    // The server's reason says more than "stream closed", when it gave one. But a stream that is given up because of
    // what came on it says only that.
    if (!(error instanceof EtcdError)) await ended;
    throw toEtcdError(error);
  } finally {
    stall.end();
  }
  await ended;
  const rest = ring.rest();
  if (rest.length > 0) yield { announced: reader.announced(), chunk: rest };
}

/**
 * Puts pieces together. A chunk is overwritten after two more have been asked for: the one that is being written out
 * and the one that is being filled are all that is ever held.
 */
class ChunkRing {
  private readonly ring = [0, 1, 2].map(() => Buffer.allocUnsafeSlow(CHUNK_BYTES));
  private turn = 0;
  private filled = 0;

  /** Takes the bytes in, and yields each chunk that they complete. */
  *fill(bytes: Buffer): Generator<Buffer, void> {
    for (let offset = 0; offset < bytes.length; ) {
      const copied = bytes.copy(this.current(), this.filled, offset);
      offset += copied;
      this.filled += copied;
      if (this.filled < CHUNK_BYTES) return;
      yield this.current();
      this.turn += 1;
      this.filled = 0;
    }
  }

  /** What has come since the last chunk. */
  rest(): Buffer {
    return this.current().subarray(0, this.filled);
  }

  private current(): Buffer {
    return this.ring[this.turn % this.ring.length] ?? Buffer.alloc(0);
  }
}

/** Gives up when nothing came for too long; while the store takes its time, nothing is expected to come. */
function stallWatch(giveUp: () => void) {
  let since: number | undefined = performance.now();
  const timer = setInterval(() => {
    if (since !== undefined && performance.now() - since >= STALL_MS) giveUp();
  }, 1_000);
  return {
    waiting: (): void => {
      since = performance.now();
    },
    busy: (): void => {
      since = undefined;
    },
    end: (): void => clearInterval(timer),
  };
}
