import assert from 'node:assert/strict';
import { randomBytes, type webcrypto } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { decryptWith, encryptFor } from '../../../src/backup/encryption/age.ts';
import type { Layer } from '../../../src/backup/codec.ts';
import { copyOf } from '../../../src/util/lent.ts';
import { Failure } from '../../../src/errors.ts';
import { type AgeKey, ageDecrypt, ageEncrypt, ageIdentity, ageKey } from '../../support/age.ts';
import { type Scratch, scratchFolder } from '../../support/scratch-folder.ts';
import { inParts, streamOf } from '../chunks.ts';
import { collect, failsWith, MIB } from '../../support/file-store.ts';

const PIECE = 65_536;
const TAG = 16;
/** Around one piece and two, where a mistake with the last one would show. */
const SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 5 * MIB + 3];

let scratch: Scratch;
let key: AgeKey;
let second: AgeKey;
let stranger: AgeKey;

before(async () => {
  scratch = await scratchFolder('age');
  key = await ageKey(scratch.path, 'key');
  second = await ageKey(scratch.path, 'second');
  stranger = await ageKey(scratch.path, 'stranger');
});

after(() => scratch[Symbol.asyncDispose]());

const through = (layer: Layer, ...chunks: Buffer[]): Promise<Buffer> => collect(layer(streamOf(...chunks)));

const payloadOf = (file: Buffer): number => file.indexOf('\n', file.indexOf('\n--- ') + 1) + 1;

describe('what is encrypted', () => {
  test('the standard age command decrypts, with either identity, and with no other', async () => {
    const { encrypt } = await encryptFor([key.recipient, second.recipient]);
    for (const size of SIZES) {
      const bytes = randomBytes(size);
      const file = join(scratch.path, `encrypted-${size}.age`);
      await writeFile(file, await through(encrypt, ...inParts(bytes, 100_000)));
      for (const one of [key, second])
        assert.ok((await readFile(await ageDecrypt(file, one))).equals(bytes), `${size}`);
      await assert.rejects(ageDecrypt(file, stranger), /no identity matched/);
    }
  });

  test('can be decrypted by the process that encrypted it, and with the identities of an operator', async () => {
    const { encrypt, decrypt } = await encryptFor([key.recipient]);
    for (const size of SIZES) {
      const bytes = randomBytes(size);
      const encrypted = await through(encrypt, ...inParts(bytes, 100_000));
      assert.ok((await through(decrypt, ...inParts(encrypted, 100_000))).equals(bytes));
      const identities = [await ageIdentity(stranger), await ageIdentity(key)];
      assert.ok((await through(decryptWith(identities), encrypted)).equals(bytes));
    }
  });

  test('grows by 16 bytes for every 64 KiB, and by the header', async () => {
    const { encrypt } = await encryptFor([key.recipient]);
    const encrypted = await through(encrypt, randomBytes(MIB));
    assert.equal(encrypted.length, payloadOf(encrypted) + 16 + MIB + 16 * TAG);
    assert.equal(
      encrypted.toString('latin1').match(/^-> X25519 /gm)?.length,
      2,
      "the operator's key and the run's own",
    );
  });

  test('never has the same key twice, even when one pair encrypts twice', async () => {
    const { encrypt } = await encryptFor([key.recipient]);
    const [one, two] = [await through(encrypt, Buffer.alloc(99)), await through(encrypt, Buffer.alloc(99))];
    assert.notDeepEqual(one.subarray(payloadOf(one) + 16), two.subarray(payloadOf(two) + 16));
    const other = await encryptFor([key.recipient]);
    await assert.rejects(
      through(other.decrypt, one),
      failsWith(/the key that it was just encrypted for does not fit/),
    );
  });
});

describe('what the standard age command encrypted', () => {
  test('can be decrypted', async () => {
    for (const size of SIZES) {
      const bytes = randomBytes(size);
      const file = join(scratch.path, `plain-${size}`);
      await writeFile(file, bytes);
      const encrypted = await readFile(await ageEncrypt(file, stranger, key));
      const decrypted = await through(decryptWith([await ageIdentity(key)]), ...inParts(encrypted, 100_000));
      assert.ok(decrypted.equals(bytes), `${size}`);
    }
  });
});

describe('the throw-away key', () => {
  test('cannot be turned into bytes, by nobody', async () => {
    const made: webcrypto.CryptoKey[] = [];
    const { subtle } = crypto;
    const generateKey = subtle.generateKey.bind(subtle);
    // The only way to get hold of it at all: on its way from here into a closure.
    Object.defineProperty(subtle, 'generateKey', {
      configurable: true,
      value: async (...args: Parameters<typeof generateKey>) => {
        const pair = await generateKey(...args);
        if ('privateKey' in pair) made.push(pair.privateKey);
        return pair;
      },
    });
    try {
      await encryptFor([key.recipient]);
    } finally {
      Reflect.deleteProperty(subtle, 'generateKey');
    }
    const [secret] = made;
    assert.ok(secret);
    assert.equal(secret.extractable, false);
    await assert.rejects(subtle.exportKey('jwk', secret), /not extractable/);
    await assert.rejects(subtle.exportKey('pkcs8', secret), /not extractable/);
    assert.throws(() => serialize(secret));
    assert.doesNotMatch(inspect(secret, { depth: 9, showHidden: true }), /AGE-SECRET|[0-9a-f]{32}/);
  });

  test('is not in what a caller gets', async () => {
    const encryption = await encryptFor([key.recipient]);
    assert.deepEqual(Object.keys(encryption).toSorted(), ['decrypt', 'encrypt']);
    assert.doesNotMatch(inspect(encryption, { depth: 9, showHidden: true }), /AGE-SECRET|CryptoKey/);
  });
});

describe('an encrypted file that is not as it was', () => {
  const bytes = randomBytes(2 * PIECE + 99);

  async function encryptedFile() {
    const { encrypt, decrypt } = await encryptFor([key.recipient]);
    const file = await through(encrypt, bytes);
    return { decrypt, file, operator: decryptWith([await ageIdentity(key)]), start: payloadOf(file) + 16 };
  }

  test('is refused wherever a byte was changed, and no changed byte comes out', async () => {
    const { decrypt, operator, file, start } = await encryptedFile();
    const places = [
      ...Array.from({ length: start + 20 }, (_, at) => at),
      ...Array.from({ length: 40 }, (_, at) => Math.floor(start + ((file.length - start - 1) * at) / 39)),
    ];
    for (const at of places) {
      const damaged = Buffer.from(file);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      for (const layer of [decrypt, operator]) {
        const out: Buffer[] = [];
        const reading = (async () => {
          for await (const chunk of layer(streamOf(damaged))) out.push(copyOf(chunk));
        })();
        await assert.rejects(reading, failsWith(/^the stored file cannot be decrypted: /), `byte ${at}`);
        const passed = Buffer.concat(out);
        assert.ok(passed.equals(bytes.subarray(0, passed.length)), `byte ${at}`);
      }
    }
  });

  test('is refused when it was cut, even between two pieces', async () => {
    const { decrypt, file, start } = await encryptedFile();
    const ends = [0, 1, start - 20, start - 1, start, start + 1, start + 15, start + 16, start + PIECE];
    const between = [1, 2].map((pieces) => start + pieces * (PIECE + TAG));
    for (const end of [...ends, ...between, file.length - 1]) {
      await assert.rejects(
        through(decrypt, file.subarray(0, end)),
        failsWith(/^the stored file cannot be decrypted: .*cut short or damaged/),
        `${end} bytes`,
      );
    }
  });

  test('is refused when pieces changed places, were left out, or something follows', async () => {
    const { decrypt, file, start } = await encryptedFile();
    const size = PIECE + TAG;
    const [head, one, two, last] = [
      file.subarray(0, start),
      file.subarray(start, start + size),
      file.subarray(start + size, start + 2 * size),
      file.subarray(start + 2 * size),
    ];
    const others = [
      [head, two, one, last],
      [head, one, last],
      [head, one, one, two, last],
      [head, one, two, last, last],
      [head, one, two, last, Buffer.from([0])],
    ];
    for (const parts of others)
      await assert.rejects(through(decrypt, ...parts), failsWith(/piece \d .*is not as it was sealed/));
    assert.ok((await through(decrypt, head, one, two, last)).equals(bytes));
  });

  test('is refused in words of its own when it is no such file, or of others', async () => {
    const { file, operator } = await encryptedFile();
    for (const other of [
      Buffer.alloc(0),
      Buffer.from('<html>'),
      randomBytes(2 * MIB),
      Buffer.alloc(3 * MIB),
    ]) {
      await assert.rejects(
        through(operator, other),
        failsWith(/does not begin with the header of an age file/),
      );
    }
    const [one, two] = [await ageIdentity(stranger), await ageIdentity(second)];
    await assert.rejects(
      through(decryptWith([one]), file),
      failsWith(/the identity given does not fit: it is encrypted for others/),
    );
    await assert.rejects(
      through(decryptWith([one, two]), file),
      failsWith(/none of the 2 identities given fits/),
    );
  });
});

test('a recipient that cannot be used is a matter of the configuration', async () => {
  // A point of low order: the checksum fits, but all the world can guess the key.
  const lowOrder = 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z';
  for (const recipient of ['nonsense', lowOrder]) {
    await assert.rejects(encryptFor([key.recipient, recipient]), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.kind, 'configuration');
      assert.match(error.message, /^BACKUP_AGE_RECIPIENTS cannot be used to encrypt \(.+\)/);
      return true;
    });
  }
});
