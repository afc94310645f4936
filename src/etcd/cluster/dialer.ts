import { inParallel } from '../../util/parallel.ts';
import { Connection, type EtcdSettings } from '../client/connection.ts';
import { memberList, memberListOnce } from '../client/maintenance.ts';
import { status } from '../client/status.ts';
import { EtcdError, toEtcdError } from '../errors.ts';
import type { ListedMember, MemberStatus } from '../types.ts';
import { checkMember } from './membership.ts';

/** Which member answered at an endpoint. */
export interface Answer {
  connection: Connection;
  status: MemberStatus;
  /** its member list; undefined of a learner, which gives none */
  members?: readonly ListedMember[];
}

/** What came of each endpoint that was asked. */
export type Answers = ReadonlyMap<string, Answer | EtcdError>;

export const isAnswer = (answer: Answer | EtcdError): answer is Answer => !(answer instanceof EtcdError);

/** Endpoints that are asked at once. */
export const DIALS_AT_ONCE = 16;
/** Of all that members advertise. With those at once it bounds what a list full of dead addresses may cost. */
const MAX_ADVERTISED = 64;

/**
 * Opens connections, and knows them all, so that none is left open. No endpoint is dialled twice, whoever names it: the
 * time-out of a dead one is paid once.
 */
export class Dialer {
  private readonly settings: EtcdSettings;
  private readonly signal: AbortSignal;
  private readonly opened: Connection[] = [];
  private readonly answers = new Map<string, Promise<Answer | EtcdError>>();
  private advertised = 0;

  constructor(settings: EtcdSettings, signal: AbortSignal) {
    this.settings = settings;
    this.signal = signal;
  }

  /** Asks who is at each of the given endpoints. An error is an answer too: it may be told. */
  async askGiven(): Promise<Answers> {
    const { endpoints } = this.settings;
    const ask = async (endpoint: string) => [endpoint, await this.ask(endpoint)] as const;
    return new Map(await inParallel(endpoints, DIALS_AT_ONCE, ask));
  }

  /** The same for one that a member advertises. */
  async askAdvertised(endpoint: string): Promise<Answer | EtcdError> {
    const known = this.answers.get(endpoint);
    if (known !== undefined) return known;
    this.advertised += 1;
    if (this.advertised > MAX_ADVERTISED)
      return new EtcdError('other', `not asked, as ${MAX_ADVERTISED} other advertised addresses were`);
    return this.ask(endpoint);
  }

  private ask(endpoint: string): Promise<Answer | EtcdError> {
    const connection = new Connection(endpoint, this.settings, this.signal);
    this.opened.push(connection);
    const answer = answerOf(connection);
    this.answers.set(endpoint, answer);
    return answer;
  }

  /** Closes every connection but these. */
  closeAllBut(kept: Iterable<Connection> = []): void {
    const used = new Set(kept);
    for (const connection of this.opened) if (!used.has(connection)) connection.close();
  }
}

async function answerOf(connection: Connection): Promise<Answer | EtcdError> {
  const dialled = connection.dial();
  try {
    // Whichever fails first: a refused connection fails the call at once, a silent one only the dial.
    const [, answer] = await Promise.all([dialled, identify(connection)]);
    return answer;
  } catch (error) {
    connection.close();
    return toEtcdError(error);
  } finally {
    dialled.catch(() => undefined); // told above if it mattered
  }
}

/** @throws EtcdError `no-member` where what answers is none */
async function identify(connection: Connection): Promise<Answer> {
  const found = await status(connection);
  const members = await listOf(connection, found);
  if (members === undefined) return { connection, status: found };
  checkMember(members, found.memberId);
  return { connection, status: found, members };
}

/** The member list; undefined of a learner, which refuses to give it, as a proxy before one does not. */
async function listOf(
  connection: Connection,
  { isLearner }: MemberStatus,
): Promise<ListedMember[] | undefined> {
  try {
    return await (isLearner ? memberListOnce(connection) : memberList(connection));
  } catch (error) {
    const { code, message } = toEtcdError(error);
    if (code === 'no-member') throw error;
    if (isLearner) return undefined;
    throw new EtcdError(code, `its member list could not be read: ${message}`, { cause: error });
  }
}
