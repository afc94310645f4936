import { readFile } from 'node:fs/promises';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientTls } from '../support/http-request.ts';

/** What a controller knows of the ConfigMaps of the namespace `default`, and how it came to know it. */
export interface Informer extends AsyncDisposable {
  readonly names: Set<string>;
  /** How often it was told that its revision is too old, and began anew. */
  readonly expired: number;
  /** How often it asked to watch. */
  readonly asked: number;
}

const RETRY_MS = 500;
const GONE = 410;

interface Answer {
  status: number;
  /** One document a line. */
  lines: AsyncIterable<string>;
}

interface WatchEvent {
  type: string;
  object: { code?: number; metadata?: { name: string; resourceVersion: string } };
}

/**
 * Does what the informers of Kubernetes' client library do: lists once, watches from the list's revision, watches on
 * from the last revision that it saw when the connection breaks, and lists anew only when it is told that this is gone.
 */
export function startInformer(url: string, tls: ClientTls): Informer {
  const names = new Set<string>();
  const ended = new AbortController();
  let expired = 0;
  let asked = 0;

  async function ask(query: string): Promise<Answer> {
    const files = {
      ca: await readFile(tls.ca),
      cert: await readFile(tls.cert),
      key: await readFile(tls.key),
    };
    const address = `${url}/api/v1/namespaces/default/configmaps${query}`;
    return new Promise((resolve, reject) => {
      const call = https.get(address, { ...files, agent: false, signal: ended.signal }, (response) => {
        resolve({ status: response.statusCode ?? 0, lines: linesOf(response) });
      });
      call.on('error', reject);
    });
  }

  /** The list's revision. */
  async function list(): Promise<string> {
    const { status, lines } = await ask('');
    let text = '';
    for await (const line of lines) text += line;
    if (status !== 200) throw new Error(text);
    const { items, metadata }: ConfigMaps = JSON.parse(text);
    names.clear();
    for (const item of items) names.add(item.metadata.name);
    return metadata.resourceVersion;
  }

  /** The revision to go on from; undefined where that is gone. */
  async function watch(from: string): Promise<string | undefined> {
    asked += 1;
    const { status, lines } = await ask(`?watch=1&resourceVersion=${from}`);
    if (status === GONE) return undefined;
    if (status !== 200) return from;
    let last = from;
    try {
      for await (const line of lines) {
        const { type, object }: WatchEvent = JSON.parse(line);
        if (type === 'ERROR') return object.code === GONE ? undefined : last;
        if (object.metadata === undefined) continue;
        last = object.metadata.resourceVersion;
        if (type === 'DELETED') names.delete(object.metadata.name);
        else names.add(object.metadata.name);
      }
    } catch {
      // The connection broke: on from there.
    }
    return last;
  }

  async function work(): Promise<void> {
    let revision: string | undefined;
    while (!ended.signal.aborted) {
      try {
        if (revision === undefined) revision = await list();
        revision = await watch(revision);
        if (revision === undefined) expired += 1;
      } catch {
        // Nobody answers for now.
      }
      await sleep(RETRY_MS);
    }
  }

  const working = work();
  return {
    names,
    get expired() {
      return expired;
    },
    get asked() {
      return asked;
    },
    [Symbol.asyncDispose]: () => {
      ended.abort();
      return working;
    },
  };
}

/** Throws when the stream breaks. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

interface ConfigMaps {
  metadata: { resourceVersion: string };
  items: { metadata: { name: string } }[];
}
