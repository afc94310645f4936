import { type Secrecy, secrecyOf } from './secrecy.ts';
import type { Environment } from './variables.ts';

/**
 * The secrets in an environment, for whoever removes them from texts. It is read more loosely than a configuration: what
 * is wrong with a value must not keep its password from being known.
 */
export function secretsIn(env: Environment): string[] {
  const found = Object.entries(env).flatMap(([variable, value = '']) =>
    secretsOf(secrecyOf(variable), value, env),
  );
  return [...new Set(found)];
}

/** The texts in an environment that every report has in fields of their own: the cluster's name, and where its backups are. */
export function publicIn({ CLUSTER_NAME = '', BACKUP_STORE = '' }: Environment): ReadonlySet<string> {
  const [place = ''] = BACKUP_STORE.split('?');
  const store = place.replace(/^file:\/\//, '').replace(/\/+$/, '');
  return new Set([CLUSTER_NAME, `${store}/${CLUSTER_NAME}`].filter((text) => !text.includes('@')));
}

function secretsOf(secrecy: Secrecy, value: string, env: Environment): string[] {
  switch (secrecy) {
    case 'public':
    case 'path':
      return [];
    case 'user':
      // With a password of its own all of it is the name.
      return env.ETCDCTL_PASSWORD ? [] : passwordsIn(value);
    case 'store':
      return [...credentialsIn(value), ...namedIn(value)];
    case 'address':
      return [...credentialsIn(value), ...queryOf(value)];
    case 'hook':
      return [...credentialsIn(value), ...queryOf(value), ...pathIn(value)];
    case 'secret':
      return [value, unquoted(value)];
    default:
      return secrecy satisfies never;
  }
}

const unquoted = (text: string): string => text.trim().replace(/^["']+|["']+$/g, '');

/** What stands before the last @, as it is and decoded; a scheme that lacks its slashes, or has one too few, too. */
function credentialsIn(address: string): string[] {
  const user = /^(?:[a-z][a-z0-9+.-]*:)?\/*(.*)@/is.exec(unquoted(address))?.[1];
  if (user === undefined) return [];
  const decoded = decode(user);
  return [user, decoded].flatMap((text) => [...passwordsIn(text), Buffer.from(text).toString('base64')]);
}

/** Of `name:password` what may be the password; all of it where there is no colon: then it is a token. */
function passwordsIn(user: string): string[] {
  return user.includes(':')
    ? [user.slice(user.indexOf(':') + 1), user.slice(user.lastIndexOf(':') + 1)]
    : [user];
}

const queryOf = (address: string): string[] =>
  [...address.matchAll(/[?&#][^=&#]*=([^&#\s]+)/g)].flatMap(([, value = '']) => [value, decode(value)]);

/** Of a store's parameters, which are public, those that are none of them and by their name a secret. */
const namedIn = (address: string): string[] =>
  [...address.matchAll(/[?&](\w*(?:secret|token|pass|accesskey)\w*)=([^&#\s]+)/gi)].map(
    ([, , value = '']) => value,
  );

/** The path, and those parts of it that are no common words. */
function pathIn(address: string): string[] {
  const place = unquoted(address).replace(/^(?:[a-z][a-z0-9+.-]*:)?\/*/i, '');
  const [path = ''] = /[/?#].*/s.exec(place) ?? [];
  const parts = path
    .split(/[/?#&=]/)
    .filter((part) => part.length >= 16 || (part.length >= 8 && /\d/.test(part)));
  return path.length > 1 ? [path, ...parts] : [];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that means itself
  }
}
