import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { Duplex } from 'node:stream';
import { installMissing } from '../image/engine.ts';
import { endProcess, guardProcess } from './process-guard.ts';
import { plainEnv, runProgram } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';

const INSTALLED = '/usr/bin/chromium';
const ANSWER_TIMEOUT_MS = 60_000;

/** Nothing of it may speak to the world: what the page under test asks for is what is to be seen. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-extensions',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--remote-debugging-pipe',
];

/** One message of the DevTools protocol. */
interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** A page of a headless browser, by the DevTools protocol. */
export interface Page extends AsyncDisposable {
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  /** The first such event, past or to come. */
  event(method: string): Promise<Record<string, unknown>>;
  /** All such events so far. */
  events(method: string): Record<string, unknown>[];
}

/** Where `CHROMIUM_BIN` points, else what is on the PATH, else Debian's package, which is installed. */
export async function chromium(): Promise<string> {
  const wanted = process.env['CHROMIUM_BIN'] || 'chromium';
  const answers = await runProgram(wanted, ['--version'], { env: plainEnv() }).catch(() => undefined);
  if (answers !== undefined) return wanted;
  if (wanted !== 'chromium') throw new Error(`CHROMIUM_BIN=${wanted} does not run`);
  await installMissing('the test of the history page', { chromium: INSTALLED });
  return INSTALLED;
}

/** An empty page in a browser of its own. */
export async function openPage(): Promise<Page> {
  const scratch = await scratchFolder('chromium');
  const child = spawn(await chromium(), [...FLAGS, `--user-data-dir=${scratch.path}`, 'about:blank'], {
    cwd: scratch.path,
    env: { ...plainEnv(), HOME: scratch.path },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  guardProcess(child);
  const [, , , to, from] = child.stdio;
  // A pipe of a child is a socket to Node; its types know that of the first three only.
  if (!(to instanceof Duplex) || !(from instanceof Duplex)) throw new Error('the browser has no pipes');
  const pipe = talk(to, from);
  const dispose = async (): Promise<void> => {
    await endProcess(child, 'SIGKILL');
    // Its own children end a moment later, and write until then.
    await rm(scratch.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    await scratch[Symbol.asyncDispose]();
  };
  try {
    const { targetId } = await pipe.send('Target.createTarget', { url: 'about:blank' });
    const attached = await pipe.send('Target.attachToTarget', { targetId, flatten: true });
    const sessionId = String(attached['sessionId']);
    const send: Page['send'] = (method, params) => pipe.send(method, params, sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
    return { send, event: pipe.event, events: pipe.events, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Messages are JSON texts that end with a zero byte. */
function talk(to: Duplex, from: Duplex) {
  const waiting = new Map<number, (message: Message) => void>();
  const past: Message[] = [];
  const listeners = new Set<() => void>();
  let count = 0;
  let unfinished = '';
  from.setEncoding('utf8').on('data', (text: string) => {
    const parts = (unfinished + text).split('\0');
    unfinished = parts.pop() ?? '';
    for (const part of parts) {
      const message: Message = JSON.parse(part);
      if (message.id === undefined) past.push(message);
      else waiting.get(message.id)?.(message);
    }
    for (const listener of listeners) listener();
  });

  async function send(method: string, params: object = {}, sessionId?: string) {
    const id = (count += 1);
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result = {}, error } = await bounded(answer, method);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  const events = (method: string): Record<string, unknown>[] =>
    past.flatMap((message) => (message.method === method ? [message.params ?? {}] : []));

  function event(method: string) {
    const found = new Promise<Record<string, unknown>>((resolve) => {
      const look = (): void => {
        const [first] = events(method);
        if (first === undefined) return;
        listeners.delete(look);
        resolve(first);
      };
      listeners.add(look);
      look();
    });
    return bounded(found, method);
  }

  return { send, event, events };
}

async function bounded<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the browser did not answer: ${what}`)), ANSWER_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
