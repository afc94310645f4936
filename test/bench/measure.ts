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

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs a command of the peers, without a shell around it. Throws when it fails. */
export async function command(file: string, args: string[], env: Record<string, string> = {}): Promise<void> {
  const child = spawn(file, args, { env: plainEnv(env), stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${errors}`);
}

/**
 * Milliseconds from the start of the process until it speaks to its endpoint: a listener stands in for etcd, and the
 * first bytes that arrive there are the first call's.
 */
export async function firstCallMs(
  compileCache?: string,
  how: 'killed' | 'to the end' = 'killed',
): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const began = performance.now();
  const child = spawn(process.execPath, ['src/main.ts'], {
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
