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
  const colon = user.indexOf(':');
  const credentials =
    password !== undefined || colon < 0
      ? { username: user, password: password ?? '' }
      : { username: user.slice(0, colon), password: user.slice(colon + 1) };
  if (credentials.password === '') {
    vars.report('ETCDCTL_USER', 'has no password; set ETCDCTL_PASSWORD (a job cannot be asked for it)');
  }
  if (credentials.username === '') vars.report('ETCDCTL_USER', 'should have a name before the colon');
  if (password !== undefined && colon >= 0) {
    vars.warn(
      'ETCDCTL_USER holds a colon; as ETCDCTL_PASSWORD is set, all of it is taken as the name, as etcdctl does',
    );
  }
  if (/[\r\n]$/.test(user) || /[\r\n]$/.test(credentials.password)) {
    vars.warn(
      'ETCDCTL_USER or ETCDCTL_PASSWORD ends with a line break, which is sent to etcd as a part of it',
    );
  }
  return credentials;
}
