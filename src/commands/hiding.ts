import { isBackupFile } from '../backup/names.ts';
import { publicIn, secretsIn } from '../config/secrets.ts';
import type { Environment } from '../config/variables.ts';
import { type Hiding, hidingOf } from '../util/hide.ts';

/** What hides the secrets of an environment, and leaves what a report is about to whoever reads it as data. */
export function hidingFor(env: Environment): Hiding {
  const told = publicIn(env);
  return hidingOf(secretsIn(env), (text) => told.has(text) || isBackupFile(text));
}
