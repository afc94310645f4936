import { progress } from '../util/progress.ts';
import type { CommandContext } from './context.ts';

/** Takes the stored bytes that were just read and prints how far it is, where a person reads it. */
export function printProgress(
  { name, stored }: { name: string; stored: { size: number } },
  { stderrIsTTY, note }: Pick<CommandContext, 'stderrIsTTY' | 'note'>,
): (bytes: number) => void {
  if (!stderrIsTTY) return () => undefined;
  return progress(stored.size, ({ percent, megabytesPerSecond }) =>
    note(`${name}: ${percent} % read, ${megabytesPerSecond} MB/s\n`),
  );
}
