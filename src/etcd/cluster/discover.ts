import { Failure } from '../../errors.ts';
import { memberList, status, statusOnce } from '../client/calls.ts';
import { Connection, type EtcdSettings } from '../client/connection.ts';
import { type EtcdError, toEtcdError } from '../errors.ts';
import type { Member, MemberStatus } from '../types.ts';

/** The members of a cluster and, for each that can be reached, the one connection that is used for it. */
export interface Cluster {
  id: string;
  settings: EtcdSettings;
  /** as the member list names them; what they answered last is not kept here */
  members: readonly Member[];
  connections: ReadonlyMap<string, Connection>;
  /** why a member without a connection has none, by member ID */
  unreachable: ReadonlyMap<string, string>;
  /** given endpoints that are no member's own and did not answer */
  warnings: readonly string[];
  close(): void;
  [Symbol.dispose](): void;
}

interface Answer {
  connection: Connection;
  status: MemberStatus;
}

/**
 * Finds the members behind the given endpoints. A member is known by the ID in its answers, never by an address: two
 * endpoints may be one member, and one endpoint may be a load balancer before all of them.
 *
 * @throws Failure `unreachable` when no endpoint answers, `configuration` when etcd refuses the password or when the
 *   endpoints belong to different clusters.
 */
export async function discover(settings: EtcdSettings, signal: AbortSignal): Promise<Cluster> {
  const opened: Connection[] = [];
  const close = (): void => {
    for (const connection of opened) connection.close();
  };
  const ask = async (endpoint: string): Promise<Answer | EtcdError> => {
    const connection = new Connection(endpoint, settings, signal);
    opened.push(connection);
    return answerOf(connection);
  };
  try {
    const given = new Map<string, Answer | EtcdError>();
    await Promise.all(settings.endpoints.map(async (endpoint) => given.set(endpoint, await ask(endpoint))));
    const answers = [...given.values()].filter((answer): answer is Answer => !(answer instanceof Error));
    if (answers.length === 0) throw await unreachable(settings, given, signal);
    const id = oneCluster(answers);
    const members = await firstMemberList(answers);
    const byMember = new Map<string, Answer>();
    const unreachableBecause = new Map<string, string>();
    await Promise.all(
      members.map(async (member) => {
        const found = await findMember(member, settings, answers, given, ask);
        if (typeof found === 'string') unreachableBecause.set(member.id, found);
        else byMember.set(member.id, found);
      }),
    );
    const connections = new Map([...byMember].map(([memberId, { connection }]) => [memberId, connection]));
    for (const connection of opened) if (![...connections.values()].includes(connection)) connection.close();
    const warnings = silentEndpoints(given, members);
    return {
      id,
      settings,
      members,
      connections,
      unreachable: unreachableBecause,
      warnings,
      close,
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function answerOf(connection: Connection): Promise<Answer | EtcdError> {
  const dialled = connection.dial();
  try {
    // Whichever fails first: a refused connection fails the call at once, a silent one only the dial.
    const [, answer] = await Promise.all([dialled, status(connection)]);
    return { connection, status: answer };
  } catch (error) {
    connection.close();
    return toEtcdError(error);
  } finally {
    dialled.catch(() => undefined); // told above if it mattered
  }
}

function oneCluster(answers: readonly Answer[]): string {
  const ids = new Set(answers.map((answer) => answer.status.clusterId));
  const [id] = ids;
  if (id === undefined || ids.size > 1) {
    const seen = answers
      .map((answer) => `${answer.connection.endpoint} is of ${answer.status.clusterId}`)
      .join(', ');
    throw new Failure(
      'configuration',
      `ETCDCTL_ENDPOINTS names members of different clusters (${seen}); nothing was changed: give the endpoints of one`,
    );
  }
  return id;
}

async function firstMemberList(answers: readonly Answer[]): Promise<Member[]> {
  let last: EtcdError | undefined;
  for (const { connection } of answers) {
    try {
      return await memberList(connection);
    } catch (error) {
      last = toEtcdError(error);
      if (last.code === 'access') throw accessDenied(connection.endpoint, last);
    }
  }
  if (answers.every((answer) => answer.status.isLearner)) {
    const learners = answers.map(({ connection }) => connection.endpoint).join(', ');
    throw new Failure(
      'unreachable',
      `ETCDCTL_ENDPOINTS leads to learners only (${learners}), and a learner does not give the member list; nothing was ` +
        'backed up and nothing was changed: give the endpoint of a voting member too',
      { cause: last },
    );
  }
  throw new Failure(
    'unreachable',
    `no endpoint gave the member list (${last?.message}); nothing was changed: look at the members' own logs`,
    { cause: last },
  );
}

/** The connection by which a member is asked, or why there is none. */
async function findMember(
  member: Member,
  settings: EtcdSettings,
  answers: readonly Answer[],
  given: ReadonlyMap<string, Answer | EtcdError>,
  ask: (endpoint: string) => Promise<Answer | EtcdError>,
): Promise<Answer | string> {
  const asGiven = answers.find((answer) => answer.status.memberId === member.id);
  if (!settings.discoverMembers)
    return asGiven ?? 'it is not behind the given endpoints, and DISCOVER_MEMBERS is false';
  if (member.name === '' && member.clientUrls.length === 0 && asGiven === undefined) {
    return 'it was added and never started: it has no name and no client URLs';
  }
  const reasons: string[] = [];
  for (const url of member.clientUrls) {
    const endpoint = url.replace(/\/$/, '');
    // A password must not travel in the clear because a member advertises less than the operator asked for.
    if (
      settings.credentials &&
      endpoint.startsWith('http:') &&
      settings.endpoints.every((e) => e.startsWith('https:'))
    ) {
      reasons.push(`${endpoint}: not asked, because the password would travel unencrypted`);
      continue;
    }
    const answer = given.get(endpoint) ?? (await ask(endpoint));
    if (answer instanceof Error) reasons.push(`${endpoint}: ${answer.message}`);
    else if (answer.status.memberId !== member.id) reasons.push(`${endpoint}: another member answers there`);
    else return answer;
  }
  if (asGiven) return asGiven;
  return reasons.length > 0 ? reasons.join('; ') : 'it advertises no client URL';
}

/** What nobody would notice otherwise: a member that does not answer at its own URL is told of as that member. */
function silentEndpoints(
  given: ReadonlyMap<string, Answer | EtcdError>,
  members: readonly Member[],
): string[] {
  const own = new Set(members.flatMap(({ clientUrls }) => clientUrls));
  return [...given].flatMap(([endpoint, answer]) =>
    answer instanceof Error && !own.has(endpoint)
      ? [`${endpoint} of ETCDCTL_ENDPOINTS did not answer: ${answer.message}`]
      : [],
  );
}

/** No endpoint answered: which failure that is, and why. */
async function unreachable(
  settings: EtcdSettings,
  given: ReadonlyMap<string, Answer | EtcdError>,
  signal: AbortSignal,
): Promise<Failure> {
  const refusals = [...given].flatMap(([endpoint, answer]) =>
    answer instanceof Error ? [{ endpoint, answer }] : [],
  );
  const denied = refusals.find(({ answer }) => answer.code === 'access');
  if (denied) return accessDenied(denied.endpoint, denied.answer);
  const reasons = refusals.map(({ endpoint, answer }) => `${endpoint}: ${answer.message}`).join('; ');
  if (settings.credentials && (await answersWithoutPassword(settings, signal))) {
    return new Failure(
      'unreachable',
      `etcd could not check the password (${reasons}): that takes a quorum, and the cluster has none; nothing was ` +
        'changed. Bring members back, or use a client certificate without ETCDCTL_USER for an emergency backup',
    );
  }
  return new Failure(
    'unreachable',
    `no endpoint of ETCDCTL_ENDPOINTS answered (${reasons}); nothing was backed up and nothing was changed. Check that ` +
      'the members run, the addresses, and with https the files of ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY',
  );
}

/** Whether a member is there all the same: it says that it sees no leader, or wants a password before it says anything. */
async function answersWithoutPassword(settings: EtcdSettings, signal: AbortSignal): Promise<boolean> {
  const { credentials: _unused, ...anonymous } = settings;
  const alive = await Promise.all(
    settings.endpoints.map(async (endpoint) => {
      const connection = new Connection(endpoint, anonymous, signal);
      try {
        const { leaderId, errors } = await statusOnce(connection);
        return leaderId === undefined || errors.some((text) => text.includes('no leader'));
      } catch (error) {
        return toEtcdError(error).code === 'access';
      } finally {
        connection.close();
      }
    }),
  );
  return alive.includes(true);
}

export function accessDenied(where: string, refusal: EtcdError): Failure {
  return new Failure(
    'configuration',
    `etcd refused access at ${where}: ${refusal.message}; nothing was changed. Check ETCDCTL_USER, ETCDCTL_PASSWORD ` +
      "and that the user has etcd's root role, which snapshots and maintenance need",
    { cause: refusal },
  );
}
