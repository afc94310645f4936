import { Failure } from '../../errors.ts';
import { inParallel } from '../../util/parallel.ts';
import type { Connection, EtcdSettings } from '../client/connection.ts';
import { memberList } from '../client/maintenance.ts';
import { accessDenied, type EtcdError, toEtcdError } from '../errors.ts';
import type { Member } from '../types.ts';
import { addressesOf } from './addresses.ts';
import { type Answer, type Answers, Dialer, DIALS_AT_ONCE, isAnswer } from './dialer.ts';
import { type Finding, findMember, type Places } from './find-member.ts';
import { noAnswer } from './no-answer.ts';

/** The members of a cluster and, for each that can be reached, the one connection that is used for it. */
export interface ClusterClient extends Disposable {
  /** of the cluster, hexadecimal */
  id: string;
  settings: EtcdSettings;
  /** as the member list names them; what they answered last is not kept here */
  members: readonly Member[];
  connections: ReadonlyMap<string, Connection>;
  /** why a member without a connection has none, by member ID */
  unreachable: ReadonlyMap<string, string>;
  /** given endpoints that are not used, and members that advertise what is not asked */
  warnings: readonly string[];
  /** the same as `Symbol.dispose` */
  close(): void;
}

/**
 * Finds the members behind the given endpoints. A member is known by the ID in its answers, never by an address: two
 * endpoints may be one member, and one endpoint may be a load balancer before all of them. What a member advertises is
 * asked within bounds, and never with less protection than the operator gave.
 *
 * @throws Failure `unreachable` when no endpoint answers, `configuration` when etcd refuses the password or when the
 *   endpoints belong to different clusters.
 */
export async function discover(settings: EtcdSettings, signal: AbortSignal): Promise<ClusterClient> {
  const dialer = new Dialer(settings, signal);
  const close = (): void => dialer.closeAllBut();
  try {
    const given = await dialer.askGiven();
    const answers = [...given.values()].filter(isAnswer);
    if (answers.length === 0) throw await noAnswer(settings, given, signal);
    const id = oneCluster(answers);
    const members = await firstMemberList(answers);
    const findings = await findAll(members, { settings, given, dialer });
    const { connections, unreachable } = reached(findings);
    dialer.closeAllBut(connections.values());
    const warnings = [...findings.values()].flatMap(({ warning }) => warning ?? []);
    warnings.push(...unusedEndpoints(given, members, settings));
    return { id, settings, members, connections, unreachable, warnings, close, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

async function findAll(members: readonly Member[], places: Places): Promise<ReadonlyMap<string, Finding>> {
  const find = async (member: Member) => [member.id, await findMember(member, places)] as const;
  return new Map(await inParallel(members, DIALS_AT_ONCE, find));
}

function reached(findings: ReadonlyMap<string, Finding>) {
  const connections = new Map<string, Connection>();
  const unreachable = new Map<string, string>();
  for (const [id, { found }] of findings) {
    if (typeof found === 'string') unreachable.set(id, found);
    else connections.set(id, found.connection);
  }
  return { connections, unreachable };
}

function oneCluster(answers: readonly Answer[]): string {
  const ids = new Set(answers.map((answer) => answer.status.clusterId));
  const [id] = ids;
  if (id !== undefined && ids.size === 1) return id;
  const seen = answers
    .map((answer) => `${answer.connection.endpoint} is of ${answer.status.clusterId}`)
    .join(', ');
  throw new Failure(
    'configuration',
    `ETCDCTL_ENDPOINTS names members of different clusters (${seen}); nothing was changed: give the endpoints of one`,
  );
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
  throw answers.every((answer) => answer.status.isLearner) ? onlyLearners(answers, last) : noMemberList(last);
}

function onlyLearners(answers: readonly Answer[], cause: EtcdError | undefined): Failure {
  const learners = answers.map(({ connection }) => connection.endpoint).join(', ');
  return new Failure(
    'unreachable',
    `ETCDCTL_ENDPOINTS leads to learners only (${learners}), and a learner does not give the member list; nothing was ` +
      'backed up and nothing was changed: give the endpoint of a voting member too',
    { cause },
  );
}

const noMemberList = (cause: EtcdError | undefined): Failure =>
  new Failure(
    'unreachable',
    `no endpoint gave the member list (${cause?.message}); nothing was changed: look at the members' own logs`,
    { cause },
  );

/** What nobody would notice otherwise: a member that does not answer at its own URL is told of as that member. */
function unusedEndpoints(given: Answers, members: readonly Member[], settings: EtcdSettings): string[] {
  const own = new Set(members.flatMap((member) => addressesOf(member, settings.endpoints).endpoints));
  return [...given].flatMap(([endpoint, answer]) => {
    if (isAnswer(answer)) return [];
    return own.has(endpoint) ? [] : [`${endpoint} of ETCDCTL_ENDPOINTS did not answer: ${answer.message}`];
  });
}
