import { progress } from '../util/progress.ts';
import type { CommandContext } from './context.ts';

/** Takes the stored bytes that were just read and prints how far it is, where a person reads it. */
export function printProgress(
  what: string,
  storedBytes: number,
  { stderrIsTTY, note }: Pick<CommandContext, 'stderrIsTTY' | 'note'>,
): (bytes: number) => void {
  if (!stderrIsTTY) return () => undefined;
  return progress(storedBytes, ({ percent, megabytesPerSecond }) =>
    note(`${what}: ${percent} % read, ${megabytesPerSecond} MB/s\n`),
  );
}
