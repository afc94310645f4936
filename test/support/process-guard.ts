import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';

/**
 * A shell that reads this process's pipe and, when the pipe ends, kills and removes what is still on its list. The
 * pipe ends however the test process ended, SIGKILL included, which no exit handler sees. It has a process group of
 * its own and ignores the terminal's signals, so that Ctrl-C reaches the tests and not it.
 */
const SCRIPT = `
trap '' INT TERM HUP
pids=' '
folders=''
cgroups=''
while read -r verb what; do
  case $verb in
    pid) pids="$pids$what " ;;
    gone) case $pids in *" $what "*) pids="\${pids%% $what *} \${pids#* $what }" ;; esac ;;
    folder) folders="$folders$what
" ;;
    cgroup) cgroups="$cgroups$what
" ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
printf %s "$folders" | while read -r folder; do rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }; done
printf %s "$cgroups" | while read -r cgroup; do
  for try in 1 2 3 4 5; do
    find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -d "$cgroup" ] || sleep 1
  done
done
`;

let pipe: Socket | undefined;

function tell(line: string): void {
  pipe ??= startGuard();
  pipe.write(`${line}\n`);
}

function startGuard(): Socket {
  const guard = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  if (!(guard.stdin instanceof Socket)) throw new Error('the guard of child processes has no pipe');
  guard.stdin.unref();
  return guard.stdin;
}

/** Has the child killed when this process ends, in whatever way. */
export function guardProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  tell(`pid ${pid}`);
  child.once('exit', () => tell(`gone ${pid}`));
}

/** Has the folder removed when this process ends, in whatever way. */
export function guardFolder(path: string): void {
  tell(`folder ${path}`);
}

/** Has the control group and all below it removed when this process ends, once no process is left in them. */
export function guardCgroup(path: string): void {
  tell(`cgroup ${path}`);
}

/** Sends the signal, unless the child is gone already, and waits until it is. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}
