import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Connection } from './connection.ts';
import { tlsOptions } from './tls.ts';

const MAX_BYTES = 8 << 20;

/**
 * Single-valued metrics of a member from `/metrics` on its client URL, by name; empty where it is not served there
 * (`--listen-client-http-urls` moves it), which is no error: every use of it has a fallback.
 */
export async function readMetrics(connection: Connection): Promise<ReadonlyMap<string, number>> {
  try {
    return parse(await textOf(await get(connection)));
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

function get({ endpoint, settings, signal }: Connection): Promise<IncomingMessage> {
  const url = new URL('/metrics', endpoint);
  const secure = url.protocol === 'https:';
  const options = {
    signal: AbortSignal.any([signal, AbortSignal.timeout(settings.commandTimeoutMs)]),
    agent: false as const,
    ...(secure && tlsOptions(url, settings.tls)),
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(url, options, resolve);
    request.on('error', reject);
    request.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  if (response.statusCode !== 200) {
    response.resume();
    throw new Error(`HTTP status ${response.statusCode}`);
  }
  let text = '';
  for await (const part of response.setEncoding('utf8')) {
    text += part;
    if (text.length > MAX_BYTES) throw new Error('too large'); // which destroys the response
  }
  return text;
}
