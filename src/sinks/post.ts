import { messageOf } from '../errors.ts';
import { readHead } from '../util/bounded.ts';
import { send as sendOnce } from '../util/http-request.ts';
import { agentsThrough, type Proxies, proxyFault, WANTS_PASSWORD } from '../util/proxies.ts';
import { retry } from '../util/retry.ts';

export interface Post {
  url: URL;
  body: string;
  contentType: string;
}

/** How it gets there. */
export interface Way {
  /** ends it, in a pause too */
  signal: AbortSignal;
  proxies?: Proxies | undefined;
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
export async function post(what: Post, way: Way): Promise<void> {
  let last: unknown;
  const attempt = (): Promise<void> =>
    send(what, way).catch((error: unknown) => {
      last = error;
      throw error;
    });
  await retry(attempt, { tries: TRIES, pauseMs: PAUSE_MS, shouldRetry, signal: way.signal }).catch(
    (error: unknown) => {
      // When the time is up in a pause, what went wrong before it says more than that.
      throw last ?? error;
    },
  );
}

async function send({ url, body, contentType }: Post, { signal, proxies }: Way): Promise<void> {
  // Not compressed: a few bytes could come out as gigabytes.
  const headers = { 'content-type': contentType, 'accept-encoding': 'identity', ...authorization(url) };
  const request = { method: 'POST', body, headers, signal };
  const agents = agentsThrough(proxies, {});
  const response = await sendOnce(withoutCredentials(url), request, agents).catch((error: unknown) => {
    throw noAnswer(url, error, { signal, proxies });
  });
  if (!response.ok) throw await refused(url, response, signal);
  await drop(response);
}

/** Closes the connection to an answer that nobody wants to read. */
async function drop({ body }: Response): Promise<void> {
  // It was taken, and what becomes of the connection then is no failure any more.
  await body?.cancel().catch(() => undefined);
}

function noAnswer({ host }: URL, error: unknown, { signal, proxies }: Way): PostError {
  if (signal.aborted) return new PostError(`${host} ${lateness(signal)}`, { again: false });
  const why = proxyFault(error, proxies) ?? networkReason(error);
  return new PostError(`${host} could not be reached: ${why}`, { again: true });
}

const lateness = ({ reason }: AbortSignal): string =>
  reason instanceof DOMException && reason.name === 'TimeoutError'
    ? `did not answer within ${SINK_TIMEOUT_MS / 1000} s`
    : 'had not answered when the run was to end';

async function refused({ host, href }: URL, response: Response, signal: AbortSignal): Promise<PostError> {
  const { status, headers } = response;
  if (status === 407) {
    await drop(response);
    return new PostError(`the proxy on the way to ${host} ${WANTS_PASSWORD} (407)`, { again: false });
  }
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

/** They go into a header of their own. */
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

/** Of a host with several addresses the first is enough. */
function networkReason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return messageOf(error);
}
