import { isAbsolute } from 'node:path';
import type { Proxies } from '../util/proxies.ts';
import { readProxies } from './proxies.ts';
import type { Variables } from './variables.ts';

/** Who is told of a run. What is left out is not told. */
export interface SinksConfig {
  readonly pushgatewayUrl?: URL | undefined;
  /** Absolute, and ends in `.prom`. */
  readonly textfile?: string | undefined;
  /** Its path is a secret. */
  readonly heartbeatUrl?: URL | undefined;
  /** The way to those that have a URL. */
  readonly proxies?: Proxies | undefined;
}

export function readSinks(vars: Variables): SinksConfig {
  const { given, parse } = vars;
  const pushgatewayUrl = parse('METRICS_PUSHGATEWAY_URL', httpUrl);
  const heartbeatUrl = parse('HEARTBEAT_URL', httpUrl);
  // By what was given: all that is wrong is told at once.
  const isAnyGiven = (given('METRICS_PUSHGATEWAY_URL') ?? given('HEARTBEAT_URL')) !== undefined;
  const proxies = isAnyGiven ? readProxies(vars) : undefined;
  return {
    pushgatewayUrl,
    textfile: parse('METRICS_TEXTFILE', textfile),
    heartbeatUrl,
    ...(proxies !== undefined && { proxies }),
  };
}

function httpUrl(text: string): URL {
  const url = URL.parse(text);
  // URL itself takes http:host and http:///host for http://host.
  if (url === null || !/^https?:\/\/[^/]/i.test(text)) {
    throw new Error('should be a URL that begins with http:// or https://');
  }
  if (url.hash !== '') throw new Error('should have no fragment (write # as %23)');
  return url;
}

function textfile(text: string): string {
  if (!isAbsolute(text)) throw new Error('should be an absolute path');
  if (!text.endsWith('.prom')) throw new Error('should end in .prom, or node_exporter does not read it');
  // No file system takes it, and what it says then does not name the variable.
  if (text.includes('\0')) throw new Error('should have no zero byte');
  return text;
}
