import { messageOf } from '../errors.ts';
import { readBounded, TooManyBytes } from '../util/bounded.ts';
import { receive } from '../util/http-request.ts';
import { inTime } from '../util/in-time.ts';
import { type Agents, agentsThrough } from '../util/proxies.ts';
import { retry } from '../util/retry.ts';
import { type ApiAccess, readFile } from './kubeconfig.ts';
import { textAt } from './read.ts';
import { withoutObjects } from './words.ts';

/** How an answer is to look. Rows without the objects are all that counting needs, and names are in their first cell. */
export type Shape = 'object' | 'rows' | 'metadata';

export interface Answer {
  status: number;
  /** undefined where it is no JSON */
  body: unknown;
  /** what a refusal says of itself, in one line; empty for any other */
  message: string;
}

/** An API server that answers questions, and is never told anything. */
export interface Api extends Disposable {
  readonly server: string;
  /** Asks once. @returns the answer, whatever its status is. @throws NoAnswer; what the signal says */
  ask(path: string, shape?: Shape): Promise<Answer>;
  /** The same, again where nothing came, or where it was too busy. */
  get(path: string, shape?: Shape): Promise<Answer>;
}

/** Nothing came that is an answer. Its message says why, in words. */
export class NoAnswer extends Error {}

/** It came, and is longer than what is read: asking again would not help, asking for less may. */
export class TooLong extends NoAnswer {}

const ACCEPT: Record<Shape, string> = {
  object: 'application/json',
  rows: 'application/json;as=Table;g=meta.k8s.io;v=v1',
  metadata: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
};

/** A page of five hundred objects at the most, and of each a few words as a rule: what is longer would only cost memory. */
const TIMEOUT_MS = 60_000;
const MAX_BYTES = 8 * 2 ** 20;
const MAX_MESSAGE = 400;
/** Connections are cut and servers busy for a moment: reading again harms nobody. */
const TRIES = 4;
const PAUSE_MS = 500;

/** Connects when it is first asked: what it trusts is in a file that the server writes when it starts. */
export function openApi({ server, caFile, token }: ApiAccess, signal: AbortSignal): Api {
  let agents: Agents | undefined;
  const ask = async (path: string, shape: Shape = 'object'): Promise<Answer> => {
    const headers = { accept: ACCEPT[shape], authorization: `Bearer ${token}` };
    try {
      agents ??= agentsFor((await readFile(caFile, signal)).toString());
      const through = agents;
      const work = async (both: AbortSignal): Promise<Answer> => {
        const request = { method: 'GET', headers, body: '', signal: both };
        const message = await receive(new URL(path, server), request, through);
        return answerOf(message.statusCode ?? 0, await readBounded(message, MAX_BYTES, both));
      };
      return await inTime(TIMEOUT_MS, late, work, signal);
    } catch (error) {
      signal.throwIfAborted();
      const Kind = error instanceof TooManyBytes ? TooLong : NoAnswer;
      throw new Kind(messageOf(error), { cause: error });
    }
  };
  return {
    server,
    ask,
    get: (path, shape) => patiently(() => ask(path, shape), signal),
    [Symbol.dispose]: () => agents?.httpsAgent.destroy(),
  };
}

const late = (): Error => new Error(`no answer within ${TIMEOUT_MS / 1000} s`);

/** The certificate is made out to 127.0.0.1 and localhost: whoever answers there has to have it. */
const agentsFor = (ca: string): Agents => agentsThrough(undefined, { keepAlive: true }, [ca]);

/** Too many requests, or a cache that is not filled yet. */
class Busy extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(answer.message);
    this.answer = answer;
  }
}

const shouldRetry = (error: Error): boolean =>
  error instanceof Busy || (error instanceof NoAnswer && !(error instanceof TooLong));

async function patiently(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  const attempt = async (): Promise<Answer> => {
    const answer = await ask();
    if (answer.status === 429) throw new Busy(answer);
    return answer;
  };
  try {
    return await retry(attempt, { tries: TRIES, pauseMs: PAUSE_MS, shouldRetry, signal });
  } catch (error) {
    if (error instanceof Busy) return error.answer;
    throw error;
  }
}

function answerOf(status: number, bytes: Buffer): Answer {
  const text = bytes.toString();
  const body = parsed(text);
  const said = textAt(body, 'message') || (body === undefined ? text : '');
  const line = withoutObjects(said).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_MESSAGE);
  return { status, body, message: status < 400 ? '' : line || `status ${status}` };
}

/** `/readyz` and what is in front of an API that is not there answer in plain text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
