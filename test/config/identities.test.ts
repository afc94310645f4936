import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readIdentities } from '../../src/config/identities.ts';
import { type AgeKey, ageEncrypt, ageIdentity, ageKey } from '../support/age.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';

let scratch: Scratch;
let key: AgeKey;
/** Another identity. */
let secret: string;

before(async () => {
  scratch = await scratchFolder('identities');
  key = await ageKey(scratch.path, 'key');
  secret = await ageIdentity(await ageKey(scratch.path, 'second'));
});

after(() => scratch[Symbol.asyncDispose]());

async function fileOf(text: string | Buffer): Promise<string> {
  const path = join(scratch.path, 'identities');
  await writeFile(path, text);
  return path;
}

async function refuses(text: string | Buffer, message: RegExp): Promise<void> {
  const path = await fileOf(text);
  assert.throws(
    () => readIdentities(path),
    (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, message);
      const shown = [20, 35, 50].filter((at) =>
        error.message.toUpperCase().includes(secret.slice(at, at + 8)),
      );
      assert.deepEqual(shown, [], error.message);
      return true;
    },
  );
}

describe('a file of identities', () => {
  test('is what age-keygen writes', async () => {
    const text = await readFile(key.file, 'utf8');
    const identity = await ageIdentity(key);
    assert.deepEqual(readIdentities(key.file), [identity]);
    assert.deepEqual(readIdentities(await fileOf(`\r\n# mine\r\n${identity}\r\n`)), [identity]);
    const several = await fileOf(`${text}\n\n${secret}\n# again\n${secret}`);
    assert.deepEqual(readIdentities(several), [identity, secret]);
  });

  test('is refused when it is not there, or no file', () => {
    assert.throws(
      () => readIdentities(join(scratch.path, 'none')),
      /^Error: should be a file, but there is none/,
    );
    assert.throws(() => readIdentities(scratch.path), /should be a file, but is a folder/);
    assert.throws(
      () => readIdentities(secret),
      /should be the path of a file of age identities, not its content/,
    );
  });

  test('is refused when it is encrypted itself', async () => {
    const path = await fileOf(await readFile(await ageEncrypt(key.file, key)));
    assert.throws(() => readIdentities(path), /is encrypted itself, and nobody is there to be asked/);
    await refuses('-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n', /is encrypted itself/);
  });

  test('is refused when there is no identity in it', async () => {
    await refuses('', /holds no identity; it should hold AGE-SECRET-KEY-1/);
    await refuses('# public key: age1...\n\n', /holds no identity/);
  });

  test('is refused for a line that is something else, with its number and without its content', async () => {
    await refuses(`# mine\n${secret}\n${key.recipient}`, /^holds a public key in line 3; /);
    await refuses(
      `${secret}\n${secret.slice(0, -1)}`,
      /^holds an identity that was cut short or mistyped in line 2/,
    );
    await refuses(
      `${secret.slice(0, 30)}${secret.slice(31, 32)}${secret.slice(30, 31)}${secret.slice(32)}`,
      /cut short or mistyped in line 1/,
    );
    await refuses(secret.toLowerCase(), /mistyped in line 1/);
    await refuses(`${secret} # mine`, /mistyped in line 1/);
    await refuses('AGE-PLUGIN-YUBIKEY-1QQPQ', /the identity of a plugin, which is not supported, in line 1/);
    await refuses('AGE-SECRET-KEY-PQ-1QQPQ', /of a kind that is not supported in line 1/);
    await refuses('-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl', /a private key of another kind/);
    await refuses(Buffer.from([0xff, 0xfe, 0x41]), /something else than an identity in line 1/);
  });
});
