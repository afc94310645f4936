import { randomBytes, type webcrypto } from 'node:crypto';
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';
import { Failure, messageOf } from '../../errors.ts';
import { bytesOf, type Chunks, lend, type LentBuffer } from '../../util/lent.ts';
import type { Layer } from '../codec.ts';
import { decryptPayload, encryptPayload, NONCE_BYTES } from './payload.ts';

/**
 * Encryption with age (https://age-encryption.org/v1). Loaded only where backups are encrypted. The library makes and
 * reads the header, which holds the file's key once for each recipient; the rest is `payload.ts`.
 */

/** Room for thousands of recipients, at about 100 bytes each; what is no age file is not searched any further. */
const MAX_HEADER_BYTES = 2 ** 20;
/** The last line of a header: its authentication code in base64. */
const HEADER_END = /\n--- [A-Za-z0-9+/]{43}\n/;

/** A text (`AGE-SECRET-KEY-1...`), or a key object. */
type Identity = string | webcrypto.CryptoKey;

/** How one file is encrypted, and how it can be read again by this process alone. */
export interface Encryption {
  encrypt: Layer;
  decrypt: Layer;
}

/**
 * Makes the keys of one backup: the file's own, given to every recipient, and a throw-away one so that the backup can
 * be decrypted when it is read back. The latter is a key object that nobody can turn into bytes: not this program, not
 * a log line, not a stack trace. It is gone with the process.
 * @throws Failure `configuration` when a recipient cannot be used
 */
export async function encryptFor(recipients: readonly string[]): Promise<Encryption> {
  const extractable = false;
  const pair = await crypto.subtle.generateKey('X25519', extractable, ['deriveBits']);
  if (!('privateKey' in pair)) throw new Error('a key pair was asked for');
  const { header, fileKey } = await makeHeader([...recipients, await identityToRecipient(pair.privateKey)]);

  async function* encrypt(plain: Chunks): AsyncGenerator<LentBuffer, void> {
    // A new nonce makes a new payload key: calling this twice would still encrypt no two texts with the same one.
    const nonce = randomBytes(NONCE_BYTES);
    yield lend(Buffer.concat([header, nonce]));
    yield* encryptPayload(plain, fileKey, nonce);
  }

  return {
    encrypt,
    decrypt: decrypter(
      [pair.privateKey],
      'the key that it was just encrypted for does not fit: its header was damaged',
    ),
  };
}

/**
 * Decrypts with identities (`AGE-SECRET-KEY-1...`) of an operator.
 * @throws (while it streams) Failure `backup` when none of them fits, or the file is damaged or no age file
 */
export function decryptWith(identities: readonly string[]): Layer {
  const count = identities.length;
  const which =
    count === 1 ? 'the identity given does not fit' : `none of the ${count} identities given fits`;
  return decrypter(
    identities,
    `${which}: it is encrypted for others, whose public keys its manifest lists (encryption.recipients)`,
  );
}

function decrypter(identities: readonly Identity[], noneFits: string): Layer {
  return async function* decrypt(encrypted: Chunks): AsyncGenerator<LentBuffer, void> {
    const chunks = encrypted[Symbol.asyncIterator]();
    try {
      const { header, nonce, rest } = await splitHeader(chunks);
      const fileKey = await fileKeyOf(header, identities, noneFits);
      yield* decryptPayload(following(rest, chunks), fileKey, nonce);
    } finally {
      await chunks.return?.();
    }
  };
}

async function makeHeader(recipients: readonly string[]): Promise<{ header: Buffer; fileKey: Uint8Array }> {
  const encrypter = new Encrypter();
  let fileKey = new Uint8Array();
  try {
    for (const recipient of recipients) encrypter.addRecipient(recipient);
    // Not for anybody: this is how the library hands out the key that it has made up.
    encrypter.addRecipient({
      wrapFileKey: (key) => {
        fileKey = Uint8Array.from(key);
        return [];
      },
    });
    const empty = Buffer.from(await encrypter.encrypt(new Uint8Array()));
    return { header: empty.subarray(0, headerLength(empty)), fileKey };
  } catch (error) {
    throw new Failure(
      'configuration',
      `BACKUP_AGE_RECIPIENTS cannot be used to encrypt (${messageOf(error)}): look at where these keys come from`,
      { cause: error },
    );
  }
}

/** 0 where these bytes do not hold a whole header. */
function headerLength(bytes: Buffer): number {
  const end = HEADER_END.exec(bytes.toString('latin1'));
  return end === null ? 0 : end.index + end[0].length;
}

async function splitHeader(chunks: AsyncIterator<LentBuffer>) {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const length = headerLength(bytes);
    if (length > 0 && bytes.length >= length + NONCE_BYTES) {
      const payload = length + NONCE_BYTES;
      return {
        header: bytes.subarray(0, length),
        nonce: bytes.subarray(length, payload),
        rest: bytes.subarray(payload),
      };
    }
    const next = bytes.length > MAX_HEADER_BYTES ? undefined : await chunks.next();
    if (next === undefined || next.done) {
      throw new Failure(
        'backup',
        'the stored file cannot be decrypted: it does not begin with the header of an age file, so it was cut short or damaged where it is stored',
      );
    }
    bytes = Buffer.concat([bytes, bytesOf(next.value)]);
  }
}

async function fileKeyOf(
  header: Buffer,
  identities: readonly Identity[],
  noneFits: string,
): Promise<Uint8Array> {
  const reader = new Decrypter();
  for (const identity of identities) reader.addIdentity(identity);
  try {
    return await reader.decryptHeader(header);
  } catch (error) {
    const why = messageOf(error);
    // By its message: the library has no other way to tell.
    const problem = why.includes('no identity matched')
      ? noneFits
      : `its age header cannot be used (${why}): it was damaged where it is stored`;
    throw new Failure('backup', `the stored file cannot be decrypted: ${problem}`, { cause: error });
  }
}

async function* following(
  first: Buffer,
  chunks: AsyncIterator<LentBuffer>,
): AsyncGenerator<LentBuffer, void> {
  yield lend(first);
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}
