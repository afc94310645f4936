import { isKey } from './age-keys.ts';
import { shown } from './problems.ts';
import type { Variables } from './variables.ts';

const RECIPIENTS = 'BACKUP_AGE_RECIPIENTS';

/** What is said of items that are something else. The first that fits counts. */
const OTHER_KINDS: readonly [like: RegExp, reason: string][] = [
  [/secret-key/i, 'is a secret key, which must never be where backups are made'],
  [/^age1(pq|tag|tagpq)1/i, 'is a recipient of a kind that is not supported (only X25519 is)'],
  [/^age1[a-z0-9-]+1/i, 'is a recipient of a plugin, and only X25519 is supported'],
  [/^ssh-/i, 'is an SSH key, and only age keys are supported'],
];

/** age's public keys (`age1...`, X25519) that backups are encrypted for, each once; none where nothing is given. */
export function readRecipients({ given, report }: Variables): string[] {
  const text = given(RECIPIENTS);
  if (text === undefined) return [];
  const items = text.split(',').map((item) => item.trim());
  for (const [index, item] of items.entries()) {
    const problem = recipientProblem(item);
    if (problem !== undefined) report(RECIPIENTS, `has an item, number ${index + 1}, that ${problem}`);
  }
  return [...new Set(items)];
}

function recipientProblem(item: string): string | undefined {
  if (item === '') return 'is empty; there should be a public key between every two commas';
  if (isKey(item, 'age')) return undefined;
  const known = OTHER_KINDS.find(([like]) => like.test(item));
  return `${known?.[1] ?? describeUnknown(item)}; it should be a public key, age1... (age-keygen -y FILE prints it)`;
}

function describeUnknown(item: string): string {
  // Its beginning tells which it is; all of it may be a secret that somebody mixed up.
  const beginning = shown(RECIPIENTS, item.length > 16 ? `${item.slice(0, 12)}...` : item);
  return /^age1[a-z0-9]{58}$/.test(item)
    ? `was mistyped (${beginning}, its checksum does not fit)`
    : `is no key of age (${beginning})`;
}
