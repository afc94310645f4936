import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { installMissing } from '../image/engine.ts';
import { imagesEnv } from '../support/kubernetes/private.ts';
import { guardProcess } from '../support/process-guard.ts';
import { REPOSITORY } from '../support/repository.ts';
import { PAUSE, prepareImages } from './images.ts';

/**
 * Prepares images and runs the end-to-end tests, each file in namespaces of its own. Arguments go to `node --test`
 * (flags as `--name=value`); files among them take the place of all tests.
 */

const PACKAGES = {
  containerd: '/usr/bin/containerd',
  runc: '/usr/sbin/runc',
  'containernetworking-plugins': '/usr/lib/cni/ptp',
  iproute2: '/usr/sbin/ip',
  'libcap2-bin': '/usr/sbin/setcap',
};
/** Two files at once: much of their time they wait for a cluster. */
const HOW = [
  '--import=./test/support/blocking.ts',
  '--import=./test/e2e/in-namespaces.ts',
  '--test',
  '--test-force-exit',
  '--test-concurrency=2',
];

const ALL_TESTS = 'test/e2e/**/*.test.ts';

async function runTests(args: string[]): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new Error('the end-to-end tests make namespaces: run them as root, on Linux');
  await installMissing('the end-to-end test', PACKAGES);
  const images = await prepareImages();
  const files = args.some((arg) => !arg.startsWith('-')) ? [] : [ALL_TESTS];
  const child = spawn(process.execPath, [...HOW, ...args, ...files], {
    cwd: REPOSITORY,
    stdio: 'inherit',
    env: { ...process.env, ...imagesEnv({ ...images, pause: PAUSE }) },
  });
  guardProcess(child);
  await once(child, 'exit');
  return child.exitCode ?? 1;
}

process.exitCode = await runTests(process.argv.slice(2));
