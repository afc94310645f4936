import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { KeyPair } from './pki.ts';

/** What a client of a TLS cluster needs: paths of PEM files. */
export interface ClientTls extends KeyPair {
  ca: string;
}

export interface HttpOptions {
  tls: ClientTls | undefined;
  /** Sent with POST; GET without one. */
  body?: string;
  headers?: Record<string, string>;
  timeoutMs?: number;
}

export interface HttpAnswer {
  status: number;
  text: string;
}

/** One request over a connection of its own. Throws when no whole answer came in time (default 10 s). */
export async function request(url: string, options: HttpOptions): Promise<HttpAnswer> {
  const { tls, body, headers = {}, timeoutMs = 10_000 } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  const files = tls && {
    ca: await readFile(tls.ca),
    cert: await readFile(tls.cert),
    key: await readFile(tls.key),
  };
  return new Promise((resolve, reject) => {
    const settings = { method: body === undefined ? 'GET' : 'POST', headers, agent: false, signal };
    const call = files ? https.request(url, { ...settings, ...files }) : http.request(url, settings);
    const fail = (cause: Error) => reject(new Error(`no answer from ${url}: ${cause.message}`, { cause }));
    call.on('error', fail);
    call.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('error', fail);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.end(body);
  });
}
