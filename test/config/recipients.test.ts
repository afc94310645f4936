import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { problemsOf } from './support.ts';

// Public keys of identities that nobody kept.
const ONE = 'age154qjz39c0fsy74msf7mvpjk4aerewhgx2z6sz2pc4c8s5vv3m38sdjfx3p';
const TWO = 'age10crxpdf6shgwv5lt5ylv6ehrxvjdejgrgyywzw4u9tmdupku3f8q3c3k9h';
/** Looks like one, and is none. */
const SECRET = 'AGE-SECRET-KEY-1VQ2MM0ATRH67NXNP8Y7SUWNPL0VTHEA4U7LFGXM9LNNTM6GH05SXYDC56Q';

const recipientsOf = (text: string): readonly string[] =>
  loadConfig({ BACKUP_AGE_RECIPIENTS: text }).backup.recipients;

function saidOf(text: string): string[] {
  const problems = problemsOf({ BACKUP_AGE_RECIPIENTS: text });
  assert.ok(problems.every(({ variable }) => variable === 'BACKUP_AGE_RECIPIENTS'));
  return problems.map(({ message }) => message);
}

describe('BACKUP_AGE_RECIPIENTS', () => {
  test('is one public key or several, each once, with spaces or without', () => {
    assert.deepEqual(recipientsOf(ONE), [ONE]);
    assert.deepEqual(recipientsOf(`${ONE},${TWO}`), [ONE, TWO]);
    assert.deepEqual(recipientsOf(` ${TWO} , ${ONE},${TWO}\n`), [TWO, ONE]);
  });

  test('is refused for every key with one letter wrong, left out, or changed with the next', () => {
    const letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
    for (let at = 4; at < ONE.length; at += 1) {
      const here = ONE.charAt(at);
      const next = ONE.charAt(at + 1);
      const other = letters.charAt((letters.indexOf(here) + 1) % letters.length);
      const wrong = [
        `${ONE.slice(0, at)}${other}${ONE.slice(at + 1)}`,
        `${ONE.slice(0, at)}${ONE.slice(at + 1)}`,
        ...(here === next || next === '' ? [] : [`${ONE.slice(0, at)}${next}${here}${ONE.slice(at + 2)}`]),
      ];
      for (const text of wrong) assert.equal(saidOf(text).length, 1, text);
    }
  });

  test('has every item that is wrong told by its position, and why', () => {
    const mistyped = `${ONE.slice(0, 20)}${TWO.slice(20)}`;
    const wrong: [item: string, message: RegExp][] = [
      ['', /^has an item, number 2, that is empty/],
      [
        mistyped,
        /^has an item, number 2, that was mistyped \("age154qjz39c\.\.\.", its checksum does not fit\)/,
      ],
      ['alice', /number 2, that is no key of age \("alice"\); it should be a public key, age1/],
      [ONE.toUpperCase(), /is no key of age/],
      ['age1pq1abcdef', /of a kind that is not supported \(only X25519 is\)/],
      ['age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t', /of a plugin/],
      ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ', /is an SSH key, and only age keys are supported/],
      [SECRET, /is a secret key, which must never be where backups are made; it should be a public key/],
    ];
    for (const [item, message] of wrong) {
      const said = saidOf(`${ONE},${item},${TWO}`);
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', message);
    }
    const all = saidOf(wrong.map(([item]) => item).join(','));
    assert.deepEqual(
      all.map((text) => /number (\d+),/.exec(text)?.[1]),
      wrong.map((_, index) => String(index + 1)),
    );
  });

  test('never has a secret key shown, however it was mistyped', () => {
    for (const secret of [
      SECRET,
      SECRET.toLowerCase(),
      SECRET.slice(1),
      SECRET.slice(0, -9),
      SECRET.slice(15),
    ]) {
      assert.doesNotMatch(saidOf(`${ONE},${secret}`).join(), /7SUWNPL0VTH|LFGXM9LNN|NTM6GH05S/i);
    }
  });

  test('needs no identity: one that is given is warned of', () => {
    const [warning] = loadConfig({ BACKUP_AGE_RECIPIENTS: ONE, BACKUP_AGE_IDENTITY_FILE: '/key' }).warnings;
    assert.match(warning ?? '', /^BACKUP_AGE_IDENTITY_FILE is not needed to make backups/);
  });
});
