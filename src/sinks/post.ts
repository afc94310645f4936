import { messageOf } from '../errors.ts';
import { retry } from '../util/retry.ts';

export interface Post {
  url: URL;
  body: string;
  contentType: string;
}

/** All tries together. A sink that hangs must not keep a run from ending. */
const TIMEOUT_MS = 10_000;
const TRIES = 3;
const PAUSE_MS = 500;
const MAX_SAID = 200;

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
 * Sends it, three times at the most where the network or the server (5xx) fails. Never follows a redirect: what is sent
 * is meant for nobody else. @throws an Error that names neither path nor password
 */
export async function post(what: Post): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
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
  const headers = { 'content-type': contentType, ...authorization(url) };
  const response = await fetch(withoutCredentials(url).href, {
    method: 'POST',
    body,
    headers,
    redirect: 'manual',
    signal,
  }).catch((error: unknown) => {
    throw noAnswer(url, error, signal);
  });
  if (!response.ok) throw await refused(url, response);
  await response.body?.cancel();
}

function noAnswer({ host }: URL, error: unknown, signal: AbortSignal): PostError {
  if (signal.aborted)
    return new PostError(`${host} did not answer within ${TIMEOUT_MS / 1000} s`, { again: false });
  return new PostError(`${host} could not be reached: ${networkReason(error)}`, { again: true });
}

async function refused({ host, href }: URL, response: Response): Promise<PostError> {
  const { status, headers } = response;
  if (status < 300 || status >= 400)
    return new PostError(`${host} answered ${status}${await saidBy(response)}`, { again: status >= 500 });
  await response.body?.cancel();
  const to = URL.parse(headers.get('location') ?? '', href)?.host ?? 'another place';
  const why = `${host} redirects to ${to} (${status}), which is not followed: give the right URL`;
  return new PostError(why, { again: false });
}

/** The beginning of what a server says about its refusal. */
async function saidBy(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
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
