import { spawn } from 'node:child_process';
import { endProcess, guardProcess } from './process-guard.ts';
import { freePort } from './free-port.ts';
import { plainEnv } from './run-program.ts';
import { waitForHttp } from './wait-for-http.ts';
import { scratchFolder } from './scratch-folder.ts';
import { pushgateway } from './tools.ts';

/** A real Pushgateway on this machine. */
export interface Pushgateway extends AsyncDisposable {
  readonly url: string;
  /** All that it would tell Prometheus. */
  metrics(): Promise<string>;
}

export async function startPushgateway(): Promise<Pushgateway> {
  const scratch = await scratchFolder('pushgateway');
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(await pushgateway(), [`--web.listen-address=${address}`], {
    cwd: scratch.path,
    env: plainEnv(),
    stdio: 'ignore',
  });
  guardProcess(child);
  const url = `http://${address}`;
  await waitForHttp(`${url}/-/ready`);
  return {
    url,
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
    [Symbol.asyncDispose]: async () => {
      await endProcess(child, 'SIGKILL');
      await scratch[Symbol.asyncDispose]();
    },
  };
}
