import { type Invocation, readArguments } from './commands/arguments.ts';
import { exitCodeOf, Failure } from './errors.ts';
import type { CommandContext } from './commands/context.ts';

/** Does what the arguments ask for. @returns the exit code */
export async function main(context: CommandContext): Promise<number> {
  try {
    return await dispatch(readArguments(context.args), context);
  } catch (error) {
    context.note(`${errorText(error)}\n`);
    return exitCodeOf(error);
  }
}

/** A command's code is loaded with it: what only needs the store starts without gRPC. */
async function dispatch(invocation: Invocation, context: CommandContext): Promise<number> {
  // The run has a log of its own for these.
  if (invocation.command !== 'run') context.onWarning((warning) => context.note(`warning: ${warning}\n`));
  switch (invocation.command) {
    case 'help':
      context.print(invocation.text);
      return 0;
    case 'run':
      return (await import('./commands/run.ts')).runCommand(context);
    case 'status':
      return (await import('./commands/status.ts')).showStatus(invocation, context);
    case 'list':
      return (await import('./commands/list.ts')).listBackups(invocation, context);
    case 'history':
      return (await import('./commands/history.ts')).showHistory(invocation, context);
    case 'verify':
      return (await import('./commands/verify.ts')).verifyBackups(invocation, context);
    case 'fetch':
      return (await import('./commands/fetch.ts')).fetchBackup(invocation, context);
    case 'drill':
      return (await import('./commands/drill.ts')).drill(invocation, context);
    default:
      return invocation satisfies never;
  }
}

/** For a person; the stack only of what nobody foresaw. */
function errorText(error: unknown): string {
  if (error instanceof Failure) return `etcd-upkeep: ${error.message}`;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `etcd-upkeep: unexpected error, please report it\n${text}`;
}
