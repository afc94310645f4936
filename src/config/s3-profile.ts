import { statSync } from 'node:fs';
import { join } from 'node:path';
import { shown } from './problems.ts';
import { readSmallFile } from './small-file.ts';
import type { VariableName } from './secrecy.ts';
import type { Variables } from './variables.ts';

/** The variable that names a file of profiles, and its name in `~/.aws` where the variable is not set. */
const FILES = [
  ['AWS_CONFIG_FILE', 'config'],
  ['AWS_SHARED_CREDENTIALS_FILE', 'credentials'],
] as const;

/**
 * Looks whether the AWS SDK will find the profile that is asked for. By itself it goes on without a word where a file
 * cannot be read or the profile is in none, and ends with "no credentials".
 */
export function checkProfile(vars: Variables): void {
  const before = vars.problems.length;
  const texts = FILES.map(([variable, name]) => {
    const text = textOf(vars, variable, name);
    checkTokenFiles(vars, variable, text);
    return text;
  });
  const profile = vars.given('AWS_PROFILE');
  if (profile === undefined || vars.problems.length > before) return;
  if (texts.some((text) => profilesIn(text).includes(profile))) return;
  vars.report(
    'AWS_PROFILE',
    `is ${shown('AWS_PROFILE', profile)}; it should be a profile in the file of AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE, and there is none of that name`,
  );
}

/**
 * The SDK opens them without a look at what they are, and a pipe waits for its other end: no signal ends the process then.
 * One that is missing may be that of a profile which nobody asked for.
 */
function checkTokenFiles(vars: Variables, variable: VariableName, text: string): void {
  for (const [, path = ''] of text.matchAll(/^[^\S\n]*web_identity_token_file[^\S\n]*=[^\S\n]*(.*\S)/gm)) {
    if (!isSomethingElse(path)) continue;
    vars.report(variable, `names the web_identity_token_file ${path}; it should be a regular file`);
  }
}

/** Something is there that is no file. */
function isSomethingElse(path: string): boolean {
  try {
    return !statSync(path).isFile();
  } catch {
    return false; // nobody can see it, so nobody can wait for it
  }
}

function textOf(vars: Variables, variable: VariableName, name: string): string {
  if (vars.given(variable) === undefined) return textAtHome(vars.given('HOME'), name);
  return vars.parse(variable, textIn) ?? '';
}

/** Nobody asked for that file: what cannot be read of it is not there. */
function textAtHome(home: string | undefined, name: string): string {
  try {
    return home === undefined ? '' : textIn(join(home, '.aws', name));
  } catch {
    return '';
  }
}

/** `/dev/null` is how one says that there is to be none. */
const textIn = (path: string): string =>
  path === '/dev/null' ? '' : readSmallFile(path, 'a file with profiles').toString('utf8');

const profilesIn = (text: string): string[] =>
  Array.from(text.matchAll(/^\s*\[\s*(?:profile\s+)?["']?([^\]"']+?)["']?\s*\]/gm), ([, name = '']) => name);
