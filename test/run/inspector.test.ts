import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { REPOSITORY } from '../support/repository.ts';
import { startJob } from '../support/run-job.ts';

/** Long enough for Node to open its inspector, which takes it some milliseconds. */
const OPENING_MS = 500;

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // refused
  } finally {
    socket.destroy();
  }
}

/** What the image starts, without Node's own name and the program's. */
async function entryPointFlags(): Promise<string[]> {
  const dockerfile = await readFile(join(REPOSITORY, 'Dockerfile'), 'utf8');
  const entry: string[] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]');
  assert.deepEqual([entry[0], entry.at(-1)], ['node', 'lib/main.js']);
  return entry.slice(1, -1);
}

for (const [what, flags] of [
  ['the entry point of the image', await entryPointFlags()],
  ['the program alone', []],
] as const) {
  test(`on SIGUSR1 ${what} opens no inspector, and goes on`, async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    assert.ok(address !== null && typeof address === 'object');
    const port = await freePort();
    const env = {
      ETCDCTL_ENDPOINTS: `http://127.0.0.1:${address.port}`,
      ETCDCTL_DIAL_TIMEOUT: '1m',
      ETCDCTL_COMMAND_TIMEOUT: '1m',
    };
    await using job = await startJob(env, { nodeArgs: [...flags, `--inspect-port=127.0.0.1:${port}`] });
    await job.waitForLine(({ msg }) => msg === 'run started');
    job.kill('SIGUSR1');
    await sleep(OPENING_MS);
    assert.equal(await listens(port), false, 'the inspector is open');
    job.kill('SIGTERM');
    const { code, stderr } = await job.finished;
    assert.deepEqual({ code, stderr }, { code: 143, stderr: '' });
    silent.close();
  });
}

test('with the flag of the entry point Node opens none before the first line of the program either', async () => {
  assert.ok((await entryPointFlags()).includes('--disable-sigusr1'));
});
