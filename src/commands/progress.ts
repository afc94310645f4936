import type { Manifest } from '../backup/manifest.ts';
import { progress } from '../util/progress.ts';
import type { CommandContext } from './context.ts';

/** Takes the stored bytes that were just read and tells how far it is, where somebody watches. */
export function tellProgress(
  { name, stored }: Manifest,
  { watched, note }: Pick<CommandContext, 'watched' | 'note'>,
): (bytes: number) => void {
  if (!watched) return () => undefined;
  return progress(stored.size, ({ percent, megabytesPerSecond }) =>
    note(`${name}: ${percent} % read, ${megabytesPerSecond} MB/s\n`),
  );
}
