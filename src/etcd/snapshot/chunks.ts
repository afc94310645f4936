import { finished } from 'node:stream';
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

/**
 * The snapshot that comes by a call, in chunks of 1 MiB, the last one shorter. It comes by the 16 KiB, which are put
 * together as they come: a promise for each of them would cost a tenth of all the time.
 * @throws EtcdError
 */
export async function* chunksOf({ stream, ended }: GrpcCall): AsyncGenerator<Piece, void> {
  const ring = new ChunkRing();
  const reader = new BlobReader();
  const stall = stallWatch(() =>
    stream.destroy(new EtcdError('timeout', `no byte of the snapshot came for ${STALL_MS / 1000} s`)),
  );
  let wake: (() => void) | undefined;
  let end: { error?: unknown } | undefined;

  function take(data: Buffer): void {
    // Whatever else comes is no progress: a member that cannot read its own file sends empty messages for ever.
    for (const blob of reader.feed(data)) {
      ring.fill(blob);
      stall.waiting();
    }
    if (!ring.hasChunk()) return;
    stall.busy(); // until the next chunk is asked for
    stream.pause();
    wake?.();
  }

  stream.on('data', (data: Buffer) => {
    try {
      take(data);
    } catch (error) {
      stream.destroy(toEtcdError(error));
    }
  });
  finished(stream, { writable: false }, (error) => {
    end = error ? { error } : {};
    wake?.();
  });
  try {
    for (;;) {
      const chunk = ring.next();
      if (chunk !== undefined) yield { announced: reader.announced(), chunk };
      else if (end !== undefined) break;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
          stall.waiting();
          stream.resume();
        });
    }
    // The server's reason says more than "stream closed", when it gave one. But a stream that is given up because of
    // what came on it says only that.
    if (!(end.error instanceof EtcdError)) await ended;
    if (end.error) throw toEtcdError(end.error);
  } finally {
    stall.end();
    stream.destroy();
  }
  const rest = ring.rest();
  if (rest.length > 0) yield { announced: reader.announced(), chunk: rest };
}

/** Nothing comes but while a chunk is asked for: the one before it, itself, and what is left of the last piece. */
const SLOTS = 3;

/** Puts pieces together. A chunk is overwritten after two more have been asked for. */
class ChunkRing {
  private readonly ring = Array.from({ length: SLOTS }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES));
  /** chunks that are full, and those of them that were handed out */
  private full = 0;
  private given = 0;
  private filled = 0;

  /** Takes in less than a chunk, while none is full. */
  fill(bytes: Buffer): void {
    for (let offset = 0; offset < bytes.length; ) {
      const copied = bytes.copy(this.slot(this.full), this.filled, offset);
      offset += copied;
      this.filled += copied;
      if (this.filled < CHUNK_BYTES) return;
      this.full += 1;
      this.filled = 0;
    }
  }

  hasChunk(): boolean {
    return this.given < this.full;
  }

  /** The next one that is full, if there is one. */
  next(): Buffer | undefined {
    return this.hasChunk() ? this.slot(this.given++) : undefined;
  }

  /** What has come since the last full one. */
  rest(): Buffer {
    return this.slot(this.full).subarray(0, this.filled);
  }

  private slot(number: number): Buffer {
    return this.ring[number % SLOTS] ?? Buffer.alloc(0);
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
