import { createHash } from 'node:crypto';
import { crc32 } from '@node-rs/crc32';
import { bytesOf, type LentBuffer } from '../util/lent.ts';

/** Which bytes they are, whoever asks. */
export interface Digest {
  size: number;
  /** in hex */
  sha256: string;
}

/** Whether bytes are still those that they were: tells every accident, for a tenth of the time that a digest takes. */
export interface Checksum {
  size: number;
  crc32: number;
}

/** Hashes what passes. */
export function digesting() {
  const hash = createHash('sha256');
  let size = 0;
  return {
    add(chunk: LentBuffer): void {
      hash.update(bytesOf(chunk));
      size += chunk.length;
    },
    digest: (): Digest => ({ size, sha256: hash.copy().digest('hex') }),
  };
}

/** Sums up what passes. */
export function checksumming() {
  const found: Checksum = { size: 0, crc32: 0 };
  return {
    add(chunk: LentBuffer): void {
      found.crc32 = crc32(bytesOf(chunk), found.crc32);
      found.size += chunk.length;
    },
    checksum: (): Checksum => ({ ...found }),
  };
}

/** How what was found is not what it should be, in words; undefined where it is. */
export function differenceOf<T extends Digest | Checksum>(found: T, expected: T): string | undefined {
  const [is, should] = [wordsOf(found), wordsOf(expected)];
  return is === should ? undefined : `${is}, instead of ${should}`;
}

function wordsOf(found: Digest | Checksum): string {
  const hash =
    'sha256' in found ? `SHA-256 ${found.sha256}` : `CRC-32 ${found.crc32.toString(16).padStart(8, '0')}`;
  return `${found.size} bytes, ${hash}`;
}
