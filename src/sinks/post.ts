import { messageOf } from '../errors.ts';
import { readHead } from '../util/bounded.ts';
import { retry } from '../util/retry.ts';

export interface Post {
  url: URL;
  body: string;
  contentType: string;
}

/** All tries together, of all sinks at once. One that hangs must not keep a run from ending. */
export const SINK_TIMEOUT_MS = 10_000;
const TRIES = 3;
const PAUSE_MS = 500;
const MAX_SAID = 200;
/** So much of a refusal is read: enough for what is shown of it, whatever comes after. */
const MAX_READ_BYTES = 4096;

/** Why it was not taken, in words, and whether it may be the next time. */
class PostError extends Error {
  readonly again: boolean;

  constructor(message: string, { again }: { again: boolean }) {
    super(message);
    this.again = again;
  }
}

const shouldRetry = (error: Error): boolean => error instanceof PostError && error.again;

/**
 * Sends it, three times at the most where the network or the server (5xx) fails, until the signal says so. Never follows
 * a redirect: what is sent is meant for nobody else. An answer is not read but for the beginning of a refusal.
 * @throws an Error that names neither path nor password
 */
export async function post(what: Post, signal: AbortSignal): Promise<void> {
  let last: unknown;
  const attempt = (): Promise<void> =>
    send(what, signal).catch((error: unknown) => {
      last = error;
      throw error;
    });
  await retry(attempt, { tries: TRIES, pauseMs: PAUSE_MS, shouldRetry, signal }).catch((error: unknown) => {
    // When the time is up in a pause, what went wrong before it says more than that.
    throw last ?? error;
  });
}

async function send({ url, body, contentType }: Post, signal: AbortSignal): Promise<void> {
  // Not compressed: a few bytes could come out as gigabytes.
  const headers = { 'content-type': contentType, 'accept-encoding': 'identity', ...authorization(url) };
  const response = await fetch(withoutCredentials(url).href, {
    method: 'POST',
    body,
    headers,
    redirect: 'manual',
    signal,
  }).catch((error: unknown) => {
    throw noAnswer(url, error, signal);
  });
  if (!response.ok) throw await refused(url, response, signal);
  await drop(response);
}

/** Closes the connection to an answer that nobody wants to read. */
async function drop({ body }: Response): Promise<void> {
  // It was taken, and what becomes of the connection then is no failure any more.
  await body?.cancel().catch(() => undefined);
}

function noAnswer({ host }: URL, error: unknown, signal: AbortSignal): PostError {
  if (signal.aborted) return new PostError(`${host} ${lateness(signal)}`, { again: false });
  return new PostError(`${host} could not be reached: ${networkReason(error)}`, { again: true });
}

const lateness = ({ reason }: AbortSignal): string =>
  reason instanceof DOMException && reason.name === 'TimeoutError'
    ? `did not answer within ${SINK_TIMEOUT_MS / 1000} s`
    : 'had not answered when the run was to end';

async function refused({ host, href }: URL, response: Response, signal: AbortSignal): Promise<PostError> {
  const { status, headers } = response;
  if (status < 300 || status >= 400) {
    const said = await saidBy(response, signal);
    return new PostError(`${host} answered ${status}${said}`, { again: status >= 500 });
  }
  await drop(response);
  const to = URL.parse(headers.get('location') ?? '', href)?.host ?? 'another place';
  const why = `${host} redirects to ${to} (${status}), which is not followed: give the right URL`;
  return new PostError(why, { again: false });
}

/** The beginning of what a server says about its refusal; nothing where it does not come. */
async function saidBy({ body }: Response, signal: AbortSignal): Promise<string> {
  if (body === null) return '';
  const head = await readHead(body, MAX_READ_BYTES, signal).catch(() => Buffer.alloc(0));
  const text = new TextDecoder().decode(head);
  const line = text.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_SAID);
  return line === '' || line.startsWith('<') ? '' : `: ${line}`;
}

/** `fetch` takes no credentials in a URL. */
function withoutCredentials(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
}

/** What `fetch` calls "fetch failed" has the reason in its cause; with several addresses in the cause's errors. */
function networkReason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AggregateError && cause.errors.length > 0) return messageOf(cause.errors[0]);
  return messageOf(cause ?? error);
}
