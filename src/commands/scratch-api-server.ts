import { Failure, messageOf } from '../errors.ts';
import { type Api, openApi } from '../kubernetes/api.ts';
import { readKubeconfig } from '../kubernetes/kubeconfig.ts';
import { NeverReady, waitForApi } from '../kubernetes/ready.ts';
import { withoutObjects } from '../kubernetes/words.ts';
import { formatDuration } from '../util/format.ts';
import { readTail } from '../util/regular-file.ts';

/** How a kube-apiserver in the same pod is reached, and where it says what keeps it. */
export interface ApiServer {
  kubeconfig: string;
  /** its log file */
  log: string | undefined;
  /** how long it may take until it answers */
  timeoutMs: number;
}

const LOG_BYTES = 16_384;
const LOG_LINES = 5;
const LINE_LENGTH = 300;
const LINE_BEGINNING = 80;

/** The API server, once it answers. @param over what it is started on, for a message */
export async function openReady(server: ApiServer, signal: AbortSignal, over: string): Promise<Api> {
  const api = openApi(await readKubeconfig(server.kubeconfig, signal), signal);
  try {
    await waitForApi(api, server.timeoutMs, signal);
    return api;
  } catch (error) {
    api[Symbol.dispose]();
    if (!(error instanceof NeverReady)) throw error;
    const message =
      `no API server came up over ${over} within ${formatDuration(server.timeoutMs / 1000)}: ${error.message}` +
      (await logOf(server, signal));
    throw new Failure('backup', message, { cause: error });
  }
}

/** The last lines of the API server's log, for a message that goes on with them. */
export async function logOf({ log }: ApiServer, signal: AbortSignal): Promise<string> {
  if (log === undefined) return '';
  try {
    const tail = await readTail(log, LOG_BYTES, signal);
    const [first = '', ...rest] = tail.toString().split('\n');
    // Of a line whose beginning is cut off nobody can tell whether it quotes an object.
    const lines = [tail.length < LOG_BYTES ? first : '...', ...rest].filter((one) => one.trim() !== '');
    const last = lines.slice(-LOG_LINES).map((one) => cutOut(withoutObjects(one.trim())));
    return last.length === 0 ? `; its log ${log} is empty` : `; its log ends with: ${last.join(' | ')}`;
  } catch (error) {
    signal.throwIfAborted();
    return `; its log cannot be read: ${messageOf(error)}`;
  }
}

/** Without the middle of what is long: when and where is at the beginning, and at the end, of a line of JSON too, why. */
const cutOut = (line: string): string =>
  line.length <= LINE_LENGTH
    ? line
    : `${line.slice(0, LINE_BEGINNING)}...${line.slice(LINE_BEGINNING - LINE_LENGTH)}`;
