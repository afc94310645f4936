import { type Invocation, readArguments } from './commands/arguments.ts';
import type { CommandContext, ProcessContext } from './commands/context.ts';
import { hidingFor } from './commands/hiding.ts';
import { outputTo } from './commands/output.ts';
import { exitCodeOf } from './errors.ts';

/** Does what the arguments ask for. @returns the exit code */
export async function main(given: ProcessContext): Promise<number> {
  const hiding = hidingFor(given.env);
  const output = outputTo(given, hiding);
  given.onCrash(output.tell);
  const context: CommandContext = { ...given, ...output, hiding };
  try {
    return await dispatch(readArguments(context.args), context);
  } catch (error) {
    output.tell(error);
    return exitCodeOf(error);
  }
}

/** A command's code is loaded with it: what only needs the store starts without gRPC. */
async function dispatch(invocation: Invocation, context: CommandContext): Promise<number> {
  const load = async <Code>(code: Promise<Code>): Promise<Code> => {
    const loaded = await code;
    context.onLoaded();
    return loaded;
  };
  // The run has a log of its own for these.
  if (invocation.command !== 'run') context.onWarning((warning) => context.note(`warning: ${warning}`));
  switch (invocation.command) {
    case 'help':
      context.print(invocation.text);
      return 0;
    case 'run':
      return (await load(import('./commands/run.ts'))).runCommand(context);
    case 'status':
      return (await load(import('./commands/status.ts'))).showStatus(invocation, context);
    case 'list':
      return (await load(import('./commands/list.ts'))).listBackups(invocation, context);
    case 'history':
      return (await load(import('./commands/history.ts'))).showHistory(invocation, context);
    case 'usage':
      return (await load(import('./commands/usage.ts'))).showUsage(invocation, context);
    case 'verify':
      return (await load(import('./commands/verify.ts'))).verifyBackups(invocation, context);
    case 'fetch':
      return (await load(import('./commands/fetch.ts'))).fetchBackup(invocation, context);
    case 'diff':
      return (await load(import('./commands/diff.ts'))).diffBackups(invocation, context);
    case 'drill':
      return (await load(import('./commands/drill.ts'))).drill(invocation, context);
    case 'apiserver':
      return (await load(import('./commands/apiserver.ts'))).writeApiServerFiles(invocation, context);
    case 'browse':
      return (await load(import('./commands/browse.ts'))).browse(invocation, context);
    case 'kubeconfig':
      return (await load(import('./commands/kubeconfig.ts'))).printKubeconfig(invocation, context);
    default:
      return invocation satisfies never;
  }
}
