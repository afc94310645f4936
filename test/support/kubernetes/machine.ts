import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { plainEnv } from '../run-program.ts';
import type { Command } from './component.ts';

export interface MachineOptions {
  /** An empty folder for what programs write where the machine's own files are. */
  folder: string;
  /** Folders that appear in there: path in there -> path here. */
  folders: Record<string, string>;
  /** `true`: a network of its own, in which there is nothing yet. */
  network?: boolean;
}

/** A place for programs that believe the machine to be theirs. When it ends, every process and mount in it is gone. */
export interface Machine extends AsyncDisposable {
  /** Of a process that its namespaces belong to. */
  readonly pid: number;
  /** The command line that runs a command in there. */
  inside(command: Command): Command;
}

/** What kubelet sets for the whole kernel; in there it changes copies. */
const KERNEL_SETTINGS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];

/**
 * Process 1 of the machine. It ends when its stdin does, which is also when the test process is killed, and the kernel
 * then kills all others. Changes below /etc and /var go to memory and end with it.
 */
const INIT = `
set -e
own=$1; shift
mount -t tmpfs tmpfs "$own"
for part in etc var; do
  mkdir "$own/$part" "$own/$part.work"
  mount -t overlay -o "lowerdir=/$part,upperdir=$own/$part,workdir=$own/$part.work" overlay "/$part"
done
mount -t tmpfs -o mode=755 tmpfs /run
for setting in ${KERNEL_SETTINGS.join(' ')}; do
  copy="$own/$(echo "$setting" | tr / .)"
  cat "/proc/sys/$setting" >"$copy"
  mount --bind "$copy" "/proc/sys/$setting"
done
while [ $# -gt 0 ]; do
  mkdir -p "$1"
  mount --bind "$2" "$1"
  shift 2
done
echo ready
cat >/dev/null
`;

export async function startMachine({ folder, folders, network }: MachineOptions): Promise<Machine> {
  await mkdir(folder, { recursive: true });
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  if (network) namespaces.push('--net');
  const init = ['/bin/sh', '-c', INIT, 'init', folder, ...Object.entries(folders).flat()];
  const child = spawn('unshare', [...namespaces, ...init], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: plainEnv(),
    detached: true, // Ctrl-C is for the tests
  });
  const ended = once(child, 'exit');
  const complaint = text(child.stderr);
  const ready = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!ready || child.pid === undefined) {
    throw new Error(`the node's namespaces could not be made: ${(await complaint).trim()}`);
  }
  const own = `/proc/${child.pid}/ns`;
  const entered = [`--mount=${own}/mnt`, `--pid=${own}/pid_for_children`, `--net=${own}/net`];
  return {
    pid: child.pid,
    inside: (command) => ['nsenter', ...entered, '--', ...command],
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
