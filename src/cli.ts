import { type Call, readArguments } from './commands/arguments.ts';
import { exitCodeOf, Failure } from './errors.ts';
import type { CommandContext } from './commands/context.ts';

/** Does what the arguments ask for. @returns the exit code */
export async function main(surroundings: CommandContext): Promise<number> {
  try {
    return await obey(readArguments(surroundings.args), surroundings);
  } catch (error) {
    surroundings.note(`${errorText(error)}\n`);
    return exitCodeOf(error);
  }
}

/** A command's code is loaded with it: what only needs the store starts without gRPC. */
async function obey(call: Call, surroundings: CommandContext): Promise<number> {
  // The run has a log of its own for these.
  if (call.command !== 'run') surroundings.onWarning((warning) => surroundings.note(`warning: ${warning}\n`));
  switch (call.command) {
    case 'help':
      surroundings.print(call.text);
      return 0;
    case 'run':
      return (await import('./commands/run.ts')).runCommand(surroundings);
    case 'status':
      return (await import('./commands/status.ts')).showStatus(call, surroundings);
    case 'list':
      return (await import('./commands/list.ts')).listBackups(call, surroundings);
    case 'history':
      return (await import('./commands/history.ts')).showHistory(call, surroundings);
    case 'verify':
      return (await import('./commands/verify.ts')).verifyBackups(call, surroundings);
    case 'fetch':
      return (await import('./commands/fetch.ts')).fetchBackup(call, surroundings);
    case 'drill':
      return (await import('./commands/drill.ts')).drill(call, surroundings);
    default:
      return call satisfies never;
  }
}

/** For a person; the stack only of what nobody foresaw. */
function errorText(error: unknown): string {
  if (error instanceof Failure) return `etcd-upkeep: ${error.message}`;
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `etcd-upkeep: unexpected error, please report it\n${told}`;
}
