import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import type { Agents } from './proxies.ts';

export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends it, and the reading of its answer. */
  readonly signal: AbortSignal;
}

/** What `new Response` takes no body with. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * One request, through agents that know the proxies: `fetch` can be told of none without a library. It is answered as by
 * `fetch`, but no redirect is followed and nothing is unpacked.
 */
export async function send(url: URL, request: HttpRequest, agents: Agents): Promise<Response> {
  const message = await receive(url, request, agents);
  try {
    return responseOf(message);
  } catch (error) {
    message.destroy(); // a status that there is not
    throw error;
  }
}

/** The same with the answer as Node has it. For thousands of them: a web stream around each takes twice the memory. */
export function receive(
  url: URL,
  { method, headers, body, signal }: HttpRequest,
  { httpAgent, httpsAgent }: Agents,
): Promise<IncomingMessage> {
  const options = { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) }, signal };
  return new Promise((resolve, reject) => {
    const request: ClientRequest =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, agent: httpsAgent })
        : httpRequest(url, { ...options, agent: httpAgent });
    request.on('error', reject);
    boundInterim(request);
    request.on('response', resolve);
    request.end(body);
  });
}

/** Servers send one or two of them. */
const MAX_INTERIM = 16;

/**
 * Ends a request whose server sends more answers before the answer (1xx) than anybody needs: Node itself reads them until
 * the signal comes, with a processor to themselves.
 */
export function boundInterim(request: ClientRequest): void {
  let count = 0;
  request.on('information', () => {
    count += 1;
    if (count > MAX_INTERIM) request.destroy(new Error('it sends interim answers (1xx) without an end'));
  });
}

function responseOf(message: IncomingMessage): Response {
  const { statusCode = 0, headersDistinct } = message;
  const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  if (!WITHOUT_BODY.has(statusCode)) {
    return new Response(Readable.toWeb(message), { status: statusCode, headers });
  }
  message.resume();
  return new Response(null, { status: statusCode, headers });
}
