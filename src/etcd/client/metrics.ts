import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { readBounded } from '../../util/bounded.ts';
import { boundInterim } from '../../util/http-request.ts';
import type { Connection } from './connection.ts';
import { tlsOptions } from './tls.ts';

const MAX_BYTES = 8 << 20;

/**
 * Single-valued metrics of a member from `/metrics` on its client URL, by name; empty where it is not served there
 * (`--listen-client-http-urls` moves it), which is no error: every use of it has a fallback. What is no number there is
 * left out.
 */
export async function readMetrics(connection: Connection): Promise<ReadonlyMap<string, number>> {
  const { settings, signal } = connection;
  try {
    return parse(
      await textOf(connection, AbortSignal.any([signal, AbortSignal.timeout(settings.commandTimeoutMs)])),
    );
  } catch {
    signal.throwIfAborted();
    return new Map(); // not served, not reachable, not text: all the same to the caller
  }
}

function parse(text: string): Map<string, number> {
  const lines = text.split('\n').map((line) => /^([a-z_]+) (\S+)$/.exec(line));
  const pairs = lines.flatMap((match) =>
    match?.[1] && match[2] ? [[match[1], Number(match[2])] as const] : [],
  );
  return new Map(pairs.filter(([, value]) => Number.isFinite(value)));
}

async function textOf(connection: Connection, signal: AbortSignal): Promise<string> {
  const response = await get(connection, signal);
  try {
    if (response.statusCode !== 200) throw new Error(`HTTP status ${response.statusCode}`);
    return (await readBounded(response, MAX_BYTES, signal)).toString();
  } finally {
    response.destroy(); // nobody reads the rest of it
  }
}

function get({ endpoint, settings }: Connection, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL('/metrics', endpoint);
  const secure = url.protocol === 'https:';
  const options = { signal, agent: false as const, ...(secure && tlsOptions(url, settings.tls)) };
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(url, options, resolve);
    request.on('error', reject);
    boundInterim(request);
    request.end();
  });
}
