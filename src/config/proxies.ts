import { isIPv4 } from 'node:net';
import type { Proxies, Proxy } from '../util/proxies.ts';
import type { VariableName } from './secrecy.ts';
import type { Variables } from './variables.ts';

/** Where a proxy cannot lead: this machine's own loopback. */
const LOOPBACK = ['localhost', '127.0.0.0-127.255.255.255', '::1', '[::1]'];

/**
 * The proxies that the environment names for the world outside, for stores and sinks. Of a variable in both spellings
 * the one in lower case counts, as curl has it. Only asked for by whoever would use them: that a shell has one set that
 * is wrong is no problem of a run that goes nowhere. Undefined where there is none.
 */
export function readProxies(vars: Variables): Proxies | undefined {
  const named = (...spellings: readonly VariableName[]): VariableName | undefined =>
    spellings.find((spelling) => vars.given(spelling) !== undefined);
  const proxy = (...spellings: readonly VariableName[]): Proxy | undefined => {
    const spelling = named(...spellings);
    return spelling === undefined ? undefined : proxyOf(vars, spelling);
  };
  const [http, https] = [proxy('http_proxy', 'HTTP_PROXY'), proxy('https_proxy', 'HTTPS_PROXY')];
  if (http === undefined && https === undefined) return undefined;
  return {
    http,
    https,
    direct: directOf(vars.given(named('no_proxy', 'NO_PROXY') ?? 'NO_PROXY') ?? ''),
  };
}

/** Its value may hold a password wherever something is missing in it, so it is never shown. */
function proxyOf({ given, report }: Variables, variable: VariableName): Proxy | undefined {
  const text = given(variable) ?? '';
  // As curl and the AWS command take it.
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '' && isPlain(url)) {
    return { variable, url: url.href };
  }
  report(variable, 'is (not shown); it should be a proxy that speaks http or https, like http://proxy:3128');
  return undefined;
}

/** What stands behind the host means nothing to a proxy; more likely an @ or a / of the password is not escaped. */
function isPlain({ pathname, search, hash, username, password }: URL): boolean {
  return pathname === '/' && search === '' && hash === '' && isDecodable(`${username}${password}`);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false; // a % that begins no escape
  }
}

/** NO_PROXY as it is mostly meant, in the words of Node's agents: they know neither networks nor a bare domain. */
function directOf(text: string): string {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  return [...LOOPBACK, ...entries.flatMap(spelledForNode)].join(',');
}

function spelledForNode(entry: string): string[] {
  const range = rangeOf(entry);
  if (range !== undefined) return [range];
  return /^[a-z0-9][a-z0-9.-]*$/i.test(entry) && !isIPv4(entry) ? [entry, `.${entry}`] : [entry];
}

/** `10.0.0.0/8` as `10.0.0.0-10.255.255.255`. */
function rangeOf(entry: string): string | undefined {
  const [, address = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(entry) ?? [];
  if (!isIPv4(address) || Number(bits) > 32) return undefined;
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(number / size) * size;
  return `${addressOf(first)}-${addressOf(first + size - 1)}`;
}

const addressOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
