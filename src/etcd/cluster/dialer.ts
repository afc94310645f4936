import { Connection, type EtcdSettings } from '../client/connection.ts';
import { status } from '../client/status.ts';
import { EtcdError, toEtcdError } from '../errors.ts';
import type { MemberStatus } from '../types.ts';

/** Who answered at an endpoint. */
export interface Answer {
  connection: Connection;
  status: MemberStatus;
}

/** What came of each endpoint that was asked. */
export type Answers = ReadonlyMap<string, Answer | EtcdError>;

export const isAnswer = (answer: Answer | EtcdError): answer is Answer => !(answer instanceof EtcdError);

/** Opens connections, and knows them all, so that none is left open. */
export class Dialer {
  private readonly settings: EtcdSettings;
  private readonly signal: AbortSignal;
  private readonly opened: Connection[] = [];

  constructor(settings: EtcdSettings, signal: AbortSignal) {
    this.settings = settings;
    this.signal = signal;
  }

  /** Asks who is at an endpoint. An error is an answer too: it may be told. */
  ask(endpoint: string): Promise<Answer | EtcdError> {
    const connection = new Connection(endpoint, this.settings, this.signal);
    this.opened.push(connection);
    return answerOf(connection);
  }

  async askAll(endpoints: readonly string[]): Promise<Answers> {
    const answers = new Map<string, Answer | EtcdError>();
    await Promise.all(endpoints.map(async (endpoint) => answers.set(endpoint, await this.ask(endpoint))));
    return answers;
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
    const [, answer] = await Promise.all([dialled, status(connection)]);
    return { connection, status: answer };
  } catch (error) {
    connection.close();
    return toEtcdError(error);
  } finally {
    dialled.catch(() => undefined); // told above if it mattered
  }
}
