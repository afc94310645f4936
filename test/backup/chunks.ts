import { createHash, randomBytes, randomInt } from 'node:crypto';
import { lend, type LentBuffer } from '../../src/util/lent.ts';
import { boltFile, PAGE_HEADER_BYTES, withChecksum } from '../support/bolt-file.ts';

export async function* streamOf(...chunks: Buffer[]): AsyncGenerator<LentBuffer, void> {
  yield* chunks.map(lend);
}

/** The bytes in parts of random sizes, empty ones among them. */
export function inParts(bytes: Buffer, largest: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = randomInt(0, largest + 1);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

/** Every way to cut the bytes in two. */
export const cutInTwo = (bytes: Buffer): Buffer[][] =>
  Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);

export function flipped(bytes: Buffer, bit: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return damaged;
}

/** Half noise, half zeros: it can be compressed, but not to nothing. */
export function halfNoise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  randomBytes(Math.ceil(size / 2)).copy(bytes);
  return bytes;
}

export const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** What etcd sends: a database of so many sectors, each a page, and its SHA-256. */
export const snapshotOf = (sectors: number): Buffer =>
  withChecksum(boltFile({ pages: sectors, content: halfNoise((sectors - 2) * 512 - PAGE_HEADER_BYTES) }));
