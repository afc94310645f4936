import { Agent as HttpAgent, type AgentOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import { boundTunnels } from './tunnels.ts';

/** One proxy, as a variable of the environment names it. */
export interface Proxy {
  /** For messages, which never show the URL: a password may be in it. */
  readonly variable: string;
  readonly url: string;
}

/** The ways to the world outside: never to etcd. */
export interface Proxies {
  /** Asked for what is to be reached by http. */
  readonly http?: Proxy | undefined;
  readonly https?: Proxy | undefined;
  /** What is reached without them, as Node's agents spell it. */
  readonly direct: string;
}

export interface Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

/** What requests go through. `ca`: whom to trust instead of the machine's own roots. */
export function agentsThrough(proxies: Proxies | undefined, options: AgentOptions, ca?: string[]): Agents {
  const through = { ...options, ...(proxies !== undefined && { proxyEnv: envOf(proxies) }) };
  const httpsAgent = new HttpsAgent({ ...through, ...(ca !== undefined && { ca }) });
  return {
    httpAgent: new HttpAgent(through),
    httpsAgent: proxies?.https === undefined ? httpsAgent : boundTunnels(httpsAgent),
  };
}

const envOf = ({ http, https, direct }: Proxies) => ({
  ...(http !== undefined && { HTTP_PROXY: http.url }),
  ...(https !== undefined && { HTTPS_PROXY: https.url }),
  NO_PROXY: direct,
});

/** What 407 says, of the proxy that answers with it. */
export const WANTS_PASSWORD = 'wants a user and a password, or does not take those that it got';

/** In words what a proxy did, where it is the proxy that an error is about; else undefined. */
export function proxyFault(error: unknown, proxies: Proxies | undefined): string | undefined {
  if (!(error instanceof Error) || proxies === undefined) return undefined;
  if (codeOf(error) === 'ERR_PROXY_TUNNEL' && proxies.https !== undefined) {
    return `the proxy of ${proxies.https.variable} did not open the way${answerOf(error)}`;
  }
  const proxy = [proxies.https, proxies.http].find((one) => one !== undefined && isAbout(error, one.url));
  return proxy && `the proxy of ${proxy.variable} could not be reached (${codeOf(error) ?? error.name})`;
}

function answerOf(error: Error): string {
  if (!('statusCode' in error) || typeof error.statusCode !== 'number') return '';
  return error.statusCode === 407 ? `: it ${WANTS_PASSWORD} (407)` : `: it answered ${error.statusCode}`;
}

/** By the address that Node says it could not connect to, or the name that it could not look up. */
function isAbout(error: Error, url: string): boolean {
  if (error instanceof AggregateError) {
    return error.errors.some((one) => one instanceof Error && isAbout(one, url));
  }
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  if ('hostname' in error) return error.hostname === host;
  if (!('port' in error) || !('address' in error)) return false;
  const sameHost = isIP(host) === 0 || error.address === host;
  return sameHost && error.port === Number(port || (protocol === 'https:' ? 443 : 80));
}

const codeOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? error.code : undefined;
