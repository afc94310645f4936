import { pause } from '../util/abortable.ts';
import { inTime } from '../util/in-time.ts';
import { type Api, NoAnswer } from './api.ts';

/** Never got ready. Its message says what was seen last. */
export class NeverReady extends Error {}

const POLL_MS = 250;

/**
 * All of `/readyz` but for what never comes with a wrong encryption key: which objects that key costs is to be found out.
 * Older servers do not know the second of the two, and do not mind.
 */
const READY = '/readyz?exclude=informer-sync&exclude=poststarthook/storage-readiness';
/** From its first word on, until the APIs of custom resources are there. */
const SETTLE_MS = 30_000;

/**
 * Waits until the API server answers, and then a while for all that it starts with. What is missing after that will show
 * by what it does not serve.
 * @throws NeverReady when it does not answer in time; what the signal says
 */
export async function waitForApi(api: Api, timeoutMs: number, signal: AbortSignal): Promise<void> {
  await until(api, '/readyz/ping', timeoutMs, signal);
  await until(api, READY, SETTLE_MS, signal).catch((error: unknown) => {
    if (!(error instanceof NeverReady)) throw error;
  });
}

async function until(api: Api, path: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
  let last = 'it does not answer';
  const late = (): Error => new NeverReady(last);
  await inTime(timeoutMs, late, async (inTimeSignal) => {
    const both = AbortSignal.any([signal, inTimeSignal]);
    for (;;) {
      const why = await refusal(api, path);
      if (why === undefined) return;
      last = why;
      await pause(POLL_MS, both);
    }
  });
}

/** Undefined where it says yes. */
async function refusal(api: Api, path: string): Promise<string | undefined> {
  try {
    const { status, message } = await api.ask(path);
    return status === 200 ? undefined : message;
  } catch (error) {
    if (error instanceof NoAnswer) return error.message;
    throw error;
  }
}
