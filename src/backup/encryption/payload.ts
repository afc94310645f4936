import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Failure } from '../../errors.ts';
import { bytesOf, type Chunks, lend, type LentBuffer } from '../../util/lent.ts';

/**
 * The part of an age file after its header, as https://age-encryption.org/v1 lays it down: a nonce, then pieces of
 * 64 KiB, each encrypted with ChaCha20-Poly1305. Done here with Node's own cipher, because the one of the age library is
 * written in JavaScript and ten times slower: slower than a network and a disk, and on the one thread that everything
 * else needs, too.
 */

const CIPHER = 'chacha20-poly1305';
const TAG_BYTES = 16;
const PIECE_BYTES = 2 ** 16;
const ENCRYPTED_BYTES = PIECE_BYTES + TAG_BYTES;
/** How many pieces are handed on together: what follows pays by the call. */
const PIECES_TOGETHER = 4;

export const NONCE_BYTES = 16;

/** Encrypts. Two buffers take turns. */
export async function* encryptPayload(
  source: Chunks,
  fileKey: Uint8Array,
  nonce: Buffer,
): AsyncGenerator<LentBuffer, void> {
  const key = payloadKey(fileKey, nonce);
  const ring = [0, 1].map(() => Buffer.allocUnsafeSlow(ENCRYPTED_BYTES * PIECES_TOGETHER));
  let turn = 0;
  let used = 0;
  for await (const { piece, number, last } of cut(source, PIECE_BYTES)) {
    const out = ring[turn % 2] ?? Buffer.alloc(0);
    const cipher = createCipheriv(CIPHER, key, pieceNonce(number, last), { authTagLength: TAG_BYTES });
    used += cipher.update(piece).copy(out, used);
    cipher.final();
    used += cipher.getAuthTag().copy(out, used);
    if (!last && used < out.length) continue;
    yield lend(out.subarray(0, used));
    turn += 1;
    used = 0;
  }
}

/**
 * Decrypts. Nothing comes out that was not authenticated.
 * @throws Failure `backup` when a piece is not as it was encrypted, or the end is missing
 */
export async function* decryptPayload(
  source: Chunks,
  fileKey: Uint8Array,
  nonce: Buffer,
): AsyncGenerator<LentBuffer, void> {
  const key = payloadKey(fileKey, nonce);
  for await (const { piece, number, last } of cut(source, ENCRYPTED_BYTES)) {
    const plain = decryptPiece(piece, key, pieceNonce(number, last), number);
    // An empty payload is one empty piece; after others it could only be somebody's forgery of the format.
    if (plain.length === 0 && number > 0) throw undecipherable(number, 'is empty');
    yield lend(plain);
  }
}

function decryptPiece(encrypted: Buffer, key: KeyObject, nonce: Buffer, number: number): Buffer {
  if (encrypted.length < TAG_BYTES) throw undecipherable(number, 'is cut short');
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(encrypted.subarray(-TAG_BYTES));
  const plain = decipher.update(encrypted.subarray(0, -TAG_BYTES));
  try {
    decipher.final();
  } catch (error) {
    throw undecipherable(number, 'is not as it was sealed', error);
  }
  return plain;
}

function undecipherable(number: number, problem: string, cause?: unknown): Failure {
  return new Failure(
    'backup',
    `the stored file cannot be decrypted: piece ${number + 1} (of 64 KiB each) ${problem}, so it was cut short or damaged where it is stored`,
    { cause },
  );
}

/** As a key object: a buffer would be looked at and copied for every piece, which takes longer than to encrypt it. */
const payloadKey = (fileKey: Uint8Array, nonce: Buffer): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32)));

/** Eleven bytes that count the pieces, the first of which is 0, and one that says whether it is the last. */
function pieceNonce(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(number, 7); // throws at 256 TiB, where the count would begin anew
  nonce.writeUInt8(Number(last), 11);
  return nonce;
}

interface Cut {
  piece: Buffer;
  /** from 0 */
  number: number;
  last: boolean;
}

/**
 * The bytes in pieces of one size, the last of which may be shorter and is empty only if there are no bytes at all. All
 * in the same buffer: each lives until the next is asked for.
 */
async function* cut(source: Chunks, size: number): AsyncGenerator<Cut, void> {
  const piece = Buffer.allocUnsafeSlow(size);
  let used = 0;
  let number = 0;
  for await (const lent of source) {
    const chunk = bytesOf(lent);
    for (let at = 0; at < chunk.length; ) {
      // Only now is it certain that this one is not the last.
      if (used === size) {
        yield { piece, number, last: false };
        number += 1;
        used = 0;
      }
      const taken = chunk.copy(piece, used, at);
      used += taken;
      at += taken;
    }
  }
  yield { piece: piece.subarray(0, used), number, last: true };
}
