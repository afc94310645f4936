import { Failure } from '../../errors.ts';
import { inParallel } from '../../util/parallel.ts';
import type { Connection, EtcdSettings } from '../client/connection.ts';
import type { Identity, ListedMember, Member } from '../types.ts';
import { addressesOf } from './addresses.ts';
import { type Answer, type Answers, Dialer, DIALS_AT_ONCE, isAnswer } from './dialer.ts';
import { type Finding, findMember, type Places } from './find-member.ts';
import { membersIn } from './membership.ts';
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

/** Who has to answer for that member. */
export const identityOf = (
  { id }: Pick<ClusterClient, 'id'>,
  member: Pick<ListedMember, 'id'>,
): Identity => ({ clusterId: id, memberId: member.id });

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
    const { members, findings } = await findAll(answers, { id, settings, given, dialer });
    const { connections, unreachable } = reached(members, findings);
    dialer.closeAllBut(connections.values());
    const warnings = [...findings.values()].flatMap(({ warning }) => warning ?? []);
    warnings.push(...unusedEndpoints(given, members, settings));
    return { id, settings, members, connections, unreachable, warnings, close, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Looks for everybody whom the given endpoints name, then for whom only those name that were found: a list that is old,
 * or a lie, leaves members out. Each round finds a new member, and what is advertised is dialled within bounds.
 */
async function findAll(answers: readonly Answer[], places: Places) {
  const findings = new Map<string, Finding>();
  for (;;) {
    const found = [...findings.values()].flatMap((finding) =>
      typeof finding.found === 'string' ? [] : [finding.found],
    );
    const members = membersIn([...answers, ...found]);
    if (members === undefined) throw onlyLearners(answers);
    const unknown = members.filter(({ id }) => !findings.has(id));
    if (unknown.length === 0) return { members, findings };
    await inParallel(unknown, DIALS_AT_ONCE, async (member) => {
      findings.set(member.id, await findMember(member, places));
    });
  }
}

function reached(members: readonly Member[], findings: ReadonlyMap<string, Finding>) {
  const connections = new Map<string, Connection>();
  const unreachable = new Map<string, string>();
  for (const { id, problem } of members) {
    const found = findings.get(id)?.found;
    if (found === undefined) continue;
    if (typeof found !== 'string') connections.set(id, found.connection);
    else unreachable.set(id, problem === undefined ? found : `${problem}; ${found}`);
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

function onlyLearners(answers: readonly Answer[]): Failure {
  const learners = answers.map(({ connection }) => connection.endpoint).join(', ');
  return new Failure(
    'unreachable',
    `ETCDCTL_ENDPOINTS leads to learners only (${learners}), and a learner does not give the member list; nothing was ` +
      'backed up and nothing was changed: give the endpoint of a voting member too',
  );
}

/** What nobody would notice otherwise: a member that does not answer at its own URL is told of as that member. */
function unusedEndpoints(given: Answers, members: readonly Member[], settings: EtcdSettings): string[] {
  const own = new Set(members.flatMap((member) => addressesOf(member, settings.endpoints).endpoints));
  return [...given].flatMap(([endpoint, answer]) => {
    if (isAnswer(answer)) return [];
    if (answer.code === 'no-member')
      return [`${endpoint} of ETCDCTL_ENDPOINTS is not used: ${answer.message}`];
    return own.has(endpoint) ? [] : [`${endpoint} of ETCDCTL_ENDPOINTS did not answer: ${answer.message}`];
  });
}
