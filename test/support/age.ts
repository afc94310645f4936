import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';
import { age } from './tools.ts';

/** A key pair as an operator makes it. */
export interface AgeKey {
  /** The path of the identity file. */
  file: string;
  /** The public key, `age1...`. */
  recipient: string;
}

export async function ageKey(folder: string, name: string): Promise<AgeKey> {
  const file = join(folder, name);
  const keygen = await age('age-keygen');
  await runProgram(keygen, ['-o', file]);
  return { file, recipient: (await runProgram(keygen, ['-y', file])).trim() };
}

/** The secret key itself, `AGE-SECRET-KEY-1...`. */
export async function ageIdentity({ file }: AgeKey): Promise<string> {
  const [identity] = /^AGE-SECRET-KEY-1.*$/m.exec(await readFile(file, 'utf8')) ?? [];
  if (identity === undefined) throw new Error(`${file} holds no identity`);
  return identity;
}

/** Decrypts with the standard command; returns the new file's path. Rejects where it refuses. */
export async function ageDecrypt(file: string, key: AgeKey): Promise<string> {
  const plain = file.replace(/\.age$/, '');
  await runProgram(await age(), ['--decrypt', '--identity', key.file, '--output', plain, file]);
  return plain;
}

/** Encrypts with the standard command; returns the new file's path. */
export async function ageEncrypt(file: string, ...keys: AgeKey[]): Promise<string> {
  const recipients = keys.flatMap(({ recipient }) => ['--recipient', recipient]);
  await runProgram(await age(), ['--encrypt', ...recipients, '--output', `${file}.age`, file]);
  return `${file}.age`;
}
