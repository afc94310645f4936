import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { guardCgroup, guardProcess } from '../support/process-guard.ts';
import { installMissing } from '../image/engine.ts';
import { cgroupFolders, removeCgroup } from '../support/kubernetes/cgroup.ts';
import { siteEnv } from '../support/kubernetes/private.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { REPOSITORY } from '../support/repository.ts';
import { PAUSE, prepareImages } from './images.ts';

/**
 * Runs the end-to-end tests in namespaces of their own: nothing in them meets the machine's ports, nor its network,
 * and no process of theirs outlives them. Arguments go to `node --test` (flags as `--name=value`); files among them
 * take the place of all tests.
 */

const PACKAGES = {
  containerd: '/usr/bin/containerd',
  runc: '/usr/sbin/runc',
  'containernetworking-plugins': '/usr/lib/cni/ptp',
  iproute2: '/usr/sbin/ip',
};
/** One of those that are reserved for documentation. */
const ADDRESS = '192.0.2.1';
const ALL_TESTS = 'test/e2e/**/*.test.ts';
const HOW = ['--import=./test/support/blocking.ts', '--test', '--test-force-exit', '--test-concurrency=1'];

/** Process 1 in there: it makes the place, waits for the tests and for what outlives its parents. */
const INIT = `
set -e
ip link set lo up
ip address add "$1/32" dev lo
mount --bind "$2" /dev/shm
shift 2
code=0
"$@" || code=$?
exit $code
`;

async function runTests(args: string[]): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new Error('the end-to-end tests make namespaces: run them as root, on Linux');
  await installMissing('the end-to-end test', PACKAGES);
  const archives = await prepareImages();
  await using scratch = await scratchFolder('e2e');
  const cgroup = `etcd-upkeep-e2e-${process.pid}`;
  for (const folder of await cgroupFolders(cgroup)) guardCgroup(folder);
  const files = args.some((arg) => !arg.startsWith('-')) ? [] : [ALL_TESTS];
  const command = [process.execPath, ...HOW, ...args, ...files];
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const init = ['/bin/sh', '-c', INIT, 'init', ADDRESS, scratch.path, ...command];
  const child = spawn('unshare', [...namespaces, ...init], {
    cwd: REPOSITORY,
    stdio: 'inherit',
    // Small machines put temporary files there, and there they end with this scope.
    env: {
      ...process.env,
      TMPDIR: '/dev/shm',
      ...siteEnv({ cgroup, address: ADDRESS, archives, pause: PAUSE }),
    },
  });
  guardProcess(child);
  await once(child, 'exit');
  await removeCgroup(cgroup);
  return child.exitCode ?? 1;
}

process.exitCode = await runTests(process.argv.slice(2));
