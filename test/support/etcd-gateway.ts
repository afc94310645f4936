import type { Access } from './etcdctl.ts';
import { type HttpAnswer, request } from './http-request.ts';

/** A JSON answer of etcd: 64-bit numbers are strings there, zeros are left out. */
export type Answer = Record<string, unknown>;

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * One token for each cluster: making one costs etcd a tenth of a second, and with the token of another cluster a call
 * hangs until the raft index that stands in the token is reached.
 */
const tokens = new WeakMap<object, string>();

/** One call through etcd's JSON gateway, with the password's token where there is one. Throws with etcd's message. */
export async function askGateway(
  clientUrl: string,
  access: Access,
  path: string,
  { body = {}, timeoutMs = DEFAULT_TIMEOUT_MS }: { body?: object; timeoutMs?: number | undefined } = {},
): Promise<Answer> {
  const ask = async () => {
    const token = await tokenOf(clientUrl, access, timeoutMs);
    const headers = token === undefined ? {} : { authorization: token };
    return post(`${clientUrl}/v3/${path}`, access, body, timeoutMs, headers);
  };
  let answer = await ask();
  if (answer.status !== 200 && access.auth !== undefined) {
    tokens.delete(access); // tokens end with the member that gave them, and after five minutes
    answer = await ask();
  }
  return parse(clientUrl, path, answer);
}

/** The token for the password, or undefined where there is none. Needs a quorum the first time. */
export async function tokenOf(
  clientUrl: string,
  access: Access,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<string | undefined> {
  const { auth } = access;
  if (auth === undefined) return undefined;
  const known = tokens.get(access);
  if (known !== undefined) return known;
  const path = 'auth/authenticate';
  const login = { name: auth.user, password: auth.password };
  const { token } = parse(clientUrl, path, await post(`${clientUrl}/v3/${path}`, access, login, timeoutMs));
  tokens.set(access, String(token));
  return String(token);
}

function post(
  url: string,
  access: Access,
  body: object,
  timeoutMs: number,
  headers = {},
): Promise<HttpAnswer> {
  return request(url, { tls: access.gatewayTls, headers, body: JSON.stringify(body), timeoutMs });
}

function parse(clientUrl: string, path: string, answer: HttpAnswer): Answer {
  if (answer.status !== 200) throw new Error(`${path} of ${clientUrl}: ${answer.text.trim()}`);
  return Object(JSON.parse(answer.text));
}
