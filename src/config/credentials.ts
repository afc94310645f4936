import type { Variables } from './variables.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * etcdctl's rule: with `ETCDCTL_PASSWORD` all of `ETCDCTL_USER` is the name, without it the password stands after
 * the first colon. An empty password is refused, because etcdctl then quietly asks for no authentication at all.
 */
export function readCredentials(vars: Variables): Credentials | undefined {
  const user = vars.given('ETCDCTL_USER');
  const password = vars.given('ETCDCTL_PASSWORD');
  if (user === undefined) {
    if (password !== undefined)
      vars.report('ETCDCTL_PASSWORD', 'is set, but ETCDCTL_USER is not; set both or neither');
    return undefined;
  }
  const credentials = split(user, password);
  if (credentials.password === '') {
    vars.report('ETCDCTL_USER', 'has no password; set ETCDCTL_PASSWORD (a job cannot be asked for it)');
  }
  if (credentials.username === '') vars.report('ETCDCTL_USER', 'should have a name before the colon');
  warnOfMistakes(vars, user, credentials.password);
  return credentials;
}

function split(user: string, password: string | undefined): Credentials {
  const colon = user.indexOf(':');
  if (password !== undefined || colon < 0) return { username: user, password: password ?? '' };
  return { username: user.slice(0, colon), password: user.slice(colon + 1) };
}

function warnOfMistakes({ given, warn }: Variables, user: string, password: string): void {
  if (given('ETCDCTL_PASSWORD') !== undefined && user.includes(':')) {
    warn(
      'ETCDCTL_USER holds a colon; as ETCDCTL_PASSWORD is set, all of it is taken as the name, as etcdctl does',
    );
  }
  if (/[\r\n]$/.test(user) || /[\r\n]$/.test(password)) {
    warn('ETCDCTL_USER or ETCDCTL_PASSWORD ends with a line break, which is sent to etcd as a part of it');
  }
}
