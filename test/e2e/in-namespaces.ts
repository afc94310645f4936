import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cgroupFolders, removeCgroup } from '../support/kubernetes/cgroup.ts';
import { namespacesEnv, PRIVATE } from '../support/kubernetes/private.ts';
import { guardCgroup, guardProcess } from '../support/process-guard.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

/**
 * Loaded into the process of every end-to-end test file, which it starts once more in namespaces of its own: nothing in
 * them meets the machine's ports, its network or another file's, and no process of theirs outlives them. What the tests
 * tell the runner goes through.
 */

/** One of those that are reserved for documentation. */
const ADDRESS = '192.0.2.1';

/** Process 1 in there: it makes the loopback, waits for the tests and for what outlives its parents. */
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

async function again(): Promise<number> {
  await using scratch = await scratchFolder('e2e');
  const cgroup = `etcd-upkeep-e2e-${process.pid}`;
  for (const folder of await cgroupFolders(cgroup)) guardCgroup(folder);
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const init = ['/bin/sh', '-c', INIT, 'init', ADDRESS, scratch.path, ...command];
  const child = spawn('unshare', [...namespaces, ...init], {
    stdio: 'inherit',
    // Small machines put temporary files there, and there they end with this scope.
    env: { ...process.env, TMPDIR: '/dev/shm', ...namespacesEnv({ cgroup, address: ADDRESS }) },
  });
  guardProcess(child);
  await once(child, 'exit');
  await removeCgroup(cgroup);
  return child.exitCode ?? 1;
}

if (!PRIVATE) process.exit(await again());
