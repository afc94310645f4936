import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { type Connection, systemRoots } from './connection.ts';

const MAX_BYTES = 8 << 20;

/**
 * Single-valued metrics of a member from `/metrics` on its client URL, by name; empty where it is not served there
 * (`--listen-client-http-urls` moves it), which is no error: every use of it has a fallback.
 */
export async function readMetrics(connection: Connection): Promise<ReadonlyMap<string, number>> {
  try {
    return parse(await get(connection));
  } catch {
    connection.signal.throwIfAborted();
    return new Map(); // not served, not reachable, not text: all the same to the caller
  }
}

function parse(text: string): Map<string, number> {
  const lines = text.split('\n').map((line) => /^([a-z_]+) (\S+)$/.exec(line));
  return new Map(
    lines.flatMap((match) => (match?.[1] && match[2] ? [[match[1], Number(match[2])] as const] : [])),
  );
}

function get(connection: Connection): Promise<string> {
  const { tls, commandTimeoutMs } = connection.settings;
  const url = new URL('/metrics', connection.endpoint);
  const secure = url.protocol === 'https:';
  const options = {
    signal: AbortSignal.any([connection.signal, AbortSignal.timeout(commandTimeoutMs)]),
    agent: false as const,
    ...(secure && {
      ca: tls?.ca ?? systemRoots(),
      ...(tls?.cert && { cert: tls.cert }),
      ...(tls?.key && { key: tls.key }),
      ...(isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0 && { servername: '' }),
    }),
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(url, options, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        reject(new Error(`HTTP status ${response.statusCode}`));
        return;
      }
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > MAX_BYTES) response.destroy(new Error('too large'));
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end();
  });
}
