import { isKey } from './age-keys.ts';
import { readSmallFile } from './small-file.ts';

/**
 * The identities (`AGE-SECRET-KEY-1...`) in a file as age-keygen writes it: one to a line, with comments. Throws an
 * Error whose message goes on after the words "it "; nothing of the file's content is in it.
 */
export function readIdentities(path: string): string[] {
  const text = readSmallFile(path, 'a file of age identities').toString('latin1');
  if (/^(age-encryption\.org\/|-----BEGIN AGE ENCRYPTED FILE-----)/.test(text)) {
    throw new Error(
      'is encrypted itself, and nobody is there to be asked for its passphrase; ' +
        'it should be the plain identity file (age -d -o PLAIN FILE)',
    );
  }
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new Error('holds a private key of another kind; it should be a file that age-keygen wrote');
  }
  const lines = text.split('\n').map((line) => line.trim());
  const identities = lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    const problem = identityProblem(line);
    if (problem !== undefined)
      throw new Error(`${problem} in line ${index + 1}; it should hold AGE-SECRET-KEY-1...`);
    return [line];
  });
  if (identities.length > 0) return [...new Set(identities)];
  throw new Error('holds no identity; it should hold AGE-SECRET-KEY-1... (age-keygen -o FILE makes one)');
}

function identityProblem(line: string): string | undefined {
  const isUpperCase = line === line.toUpperCase();
  if (isUpperCase && isKey(line.toLowerCase(), 'age-secret-key-')) return undefined;
  if (/^age1/i.test(line)) return 'holds a public key';
  if (/^AGE-PLUGIN-/i.test(line)) return 'holds the identity of a plugin, which is not supported,';
  if (/^AGE-SECRET-KEY-PQ-1/i.test(line)) return 'holds an identity of a kind that is not supported';
  if (/^AGE-SECRET-KEY-1/i.test(line)) return 'holds an identity that was cut short or mistyped';
  return 'holds something else than an identity';
}
