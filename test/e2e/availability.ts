import { setTimeout as sleep } from 'node:timers/promises';
import type { Node } from '../support/kubernetes/node.ts';
import { request } from '../support/http-request.ts';

/** How an API server answered while something else went on. */
export interface Availability {
  answered: number;
  /** From one answered write to the next. */
  longestGapSeconds: number;
  /** The first or the last write failed. */
  failedAtEnds: boolean;
}

const EVERY_MS = 100;
const TIMEOUT_MS = 60_000;

/** Writes to the API server, again and again, until it is stopped: each write has to reach etcd's disk. */
export async function watchApi(node: Node): Promise<{ stop(): Promise<Availability> }> {
  const stopped = new AbortController();
  const write = await writer(node);
  const outcomes: { at: number; ok: boolean }[] = [];

  async function watch(): Promise<void> {
    while (!stopped.signal.aborted) {
      const ok = await write();
      outcomes.push({ at: performance.now(), ok });
      await sleep(EVERY_MS);
    }
  }

  const watching = watch();
  return {
    stop: async () => {
      stopped.abort();
      await watching;
      const answers = outcomes.filter(({ ok }) => ok).map(({ at }) => at);
      const gaps = answers.slice(1).map((at, index) => at - (answers[index] ?? at));
      return {
        answered: answers.length,
        longestGapSeconds: Math.max(0, ...gaps) / 1000,
        failedAtEnds: outcomes.at(0)?.ok !== true || outcomes.at(-1)?.ok !== true,
      };
    },
  };
}

/** A SelfSubjectAccessReview would not reach etcd: an Event does, and expires by itself. */
async function writer({ api }: Node): Promise<() => Promise<boolean>> {
  const client = await api.authority.client({
    name: 'watcher',
    commonName: 'watcher',
    organization: 'system:masters',
  });
  const tls = { ca: api.authority.ca, ...client };
  const url = `${api.url}/api/v1/namespaces/default/events`;
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: 'still-there-', namespace: 'default' },
    involvedObject: { kind: 'Namespace', name: 'default', namespace: 'default' },
    reason: 'Watched',
    type: 'Normal',
  };
  const headers = { 'content-type': 'application/json' };
  return () =>
    request(url, { tls, headers, body: JSON.stringify(event), timeoutMs: TIMEOUT_MS }).then(
      ({ status }) => status === 201,
      () => false, // counted
    );
}
