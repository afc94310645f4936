import { Failure } from '../../errors.ts';
import { Connection, type EtcdSettings } from '../client/connection.ts';
import { seesLeader, statusOnce } from '../client/status.ts';
import { accessDenied, toEtcdError } from '../errors.ts';
import { type Answers, isAnswer } from './dialer.ts';

/** No endpoint answered: which failure that is, and why. */
export async function noAnswer(
  settings: EtcdSettings,
  given: Answers,
  signal: AbortSignal,
): Promise<Failure> {
  const silent = [...given].flatMap(([endpoint, error]) => (isAnswer(error) ? [] : [{ endpoint, error }]));
  const denied = silent.find(({ error }) => error.code === 'access');
  if (denied) return accessDenied(denied.endpoint, denied.error);
  const reasons = silent.map(({ endpoint, error }) => `${endpoint}: ${error.message}`).join('; ');
  if (silent.some(({ error }) => error.code === 'no-member')) return noMember(reasons);
  if (settings.credentials && (await answersWithoutPassword(settings, signal)))
    return passwordUnchecked(reasons);
  return new Failure(
    'unreachable',
    `no endpoint of ETCDCTL_ENDPOINTS answered (${reasons}); nothing was backed up and nothing was changed. Check that ` +
      'the members run, the addresses, and with https the files of ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY',
  );
}

const noMember = (reasons: string): Failure =>
  new Failure(
    'unreachable',
    `not one voting member could be asked (${reasons}); nothing was backed up and nothing was changed. Give the members' ` +
      'own addresses in ETCDCTL_ENDPOINTS',
  );

const passwordUnchecked = (reasons: string): Failure =>
  new Failure(
    'unreachable',
    `etcd could not check the password (${reasons}): that takes a quorum, and the cluster has none; nothing was ` +
      'changed. Bring members back, or use a client certificate without ETCDCTL_USER for an emergency backup',
  );

/** Whether a member is there all the same: it says that it sees no leader, or wants a password before it says anything. */
async function answersWithoutPassword(settings: EtcdSettings, signal: AbortSignal): Promise<boolean> {
  const { credentials: _unused, ...anonymous } = settings;
  const alive = await Promise.all(
    settings.endpoints.map((endpoint) => isThere(new Connection(endpoint, anonymous, signal))),
  );
  return alive.includes(true);
}

async function isThere(connection: Connection): Promise<boolean> {
  try {
    return !seesLeader(await statusOnce(connection));
  } catch (error) {
    return toEtcdError(error).code === 'access';
  } finally {
    connection.close();
  }
}
