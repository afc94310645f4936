import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';

export interface Post {
  url: URL;
  body: string;
  contentType: string;
}

/** All tries together. A sink that hangs must not keep a night from ending. */
const TIMEOUT_MS = 10_000;
const TRIES = 3;
const PAUSE_MS = 500;
const MAX_SAID = 200;

/**
 * Sends it, three times at the most where the network or the server (5xx) fails. Never follows a redirect: what is sent
 * is meant for nobody else. @throws an Error that names neither path nor password
 */
export async function post(what: Post): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  for (let attempt = 1; ; attempt += 1) {
    const failure = await tryOnce(what, signal);
    if (failure === undefined) return;
    if (!failure.again || attempt === TRIES) throw new Error(failure.why);
    await sleep(PAUSE_MS * attempt, undefined, { signal }).catch(() => {
      throw new Error(failure.why);
    });
  }
}

interface PostFailure {
  why: string;
  again: boolean;
}

async function tryOnce(
  { url, body, contentType }: Post,
  signal: AbortSignal,
): Promise<PostFailure | undefined> {
  const host = url.host;
  let response: Response;
  try {
    response = await fetch(withoutCredentials(url).href, {
      method: 'POST',
      body,
      headers: { 'content-type': contentType, ...authorization(url) },
      redirect: 'manual',
      signal,
    });
  } catch (error) {
    if (signal.aborted) return { why: `${host} did not answer within ${TIMEOUT_MS / 1000} s`, again: false };
    return { why: `${host} could not be reached: ${networkReason(error)}`, again: true };
  }
  const { status } = response;
  if (response.ok) {
    await response.body?.cancel();
    return undefined;
  }
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    const to = URL.parse(response.headers.get('location') ?? '', url.href)?.host ?? 'another place';
    return {
      why: `${host} redirects to ${to} (${status}), which is not followed: give the right URL`,
      again: false,
    };
  }
  return { why: `${host} answered ${status}${await saidBy(response)}`, again: status >= 500 };
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
