import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/** Waits until a server that was just started answers there with 200. */
export async function waitForHttp(url: string): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(url).catch((error: unknown) => error);
    if (answer instanceof Response && answer.ok) return;
    if (Date.now() > deadline) throw new Error(`${url} did not answer with 200`, { cause: answer });
    await sleep(POLL_MS);
  }
}
