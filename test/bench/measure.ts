import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { plainEnv } from '../support/run-program.ts';
import { REPOSITORY } from '../support/repository.ts';

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** What processes took, one after another: by the clock, and of the processors, the system's time for them with it. */
export interface Spent {
  seconds: number;
  processorSeconds: number;
}

export const together = (all: readonly Spent[]): Spent => ({
  seconds: all.reduce((sum, { seconds: one }) => sum + one, 0),
  processorSeconds: all.reduce((sum, { processorSeconds: one }) => sum + one, 0),
});

/** The kernel's count of a process that has ended, and of all that it started and waited for. */
const TIMED = 'TIMEFORMAT="%R %U %S"; time "$@"';

/** Runs a command of the peers. Throws when it fails. */
export async function command(
  file: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Spent> {
  const timed = ['-c', TIMED, 'timed', file, ...args];
  const child = spawn('bash', timed, { env: plainEnv(env), stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${errors}`);
  const [real = Number.NaN, user = Number.NaN, system = Number.NaN] =
    errors.trimEnd().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return { seconds: real, processorSeconds: user + system };
}

/**
 * Milliseconds from the start of the process until it speaks to its endpoint: a listener stands in for etcd, and the
 * first bytes that arrive there are the first call's.
 */
export async function firstCallMs(
  script: string,
  compileCache?: string,
  how: 'killed' | 'to the end' = 'killed',
): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const began = performance.now();
  const child = spawn(process.execPath, [script], {
    cwd: REPOSITORY,
    env: plainEnv({
      ETCDCTL_ENDPOINTS: `http://127.0.0.1:${port}`,
      ETCDCTL_DIAL_TIMEOUT: '500ms',
      TERMINATION_LOG: '/dev/null',
      ...(compileCache !== undefined && { NODE_COMPILE_CACHE: compileCache }),
    }),
    stdio: 'ignore',
  });
  const [socket] = await once(server, 'connection');
  socket.on('error', () => undefined); // the job is killed in the middle of its call
  await once(socket, 'data');
  const elapsed = performance.now() - began;
  if (how === 'killed') child.kill('SIGKILL');
  await once(child, 'exit');
  server.close();
  return elapsed;
}
