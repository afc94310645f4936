import { readEntries, readStructure } from '../backup/contents.ts';
import type { Manifest } from '../backup/manifest.ts';
import type { EntryVisitor } from '../bolt/entries.ts';
import type { Structure } from '../bolt/structure.ts';
import type { ContentsSettings } from '../config/config.ts';
import type { CommandContext } from './context.ts';
import { printProgress } from './progress.ts';
import { type ListedRepository, unusable } from './repository.ts';

/** Where the backups are that a command looks into, and how. */
export interface Task {
  repository: ListedRepository;
  settings: ContentsSettings;
  context: CommandContext;
}

/** A backup whose structure was proved. */
export interface Opened {
  structure: Structure;
  /** Reads it once more. @throws Failure `backup`, which says which backup it was; what the visitor throws */
  show(visitor: EntryVisitor): Promise<void>;
}

/** @throws Failure `backup`, which says which backup it was */
export async function openContents(
  manifest: Manifest,
  { repository: { store }, settings: { identities }, context }: Task,
): Promise<Opened> {
  const { name, stored } = manifest;
  const { signal } = context;
  const reading = (what: string) => ({
    store,
    manifest,
    identities,
    signal,
    onRead: printProgress(`${name}, ${what}`, stored.size, context),
  });
  async function named<T>(read: Promise<T>): Promise<T> {
    try {
      return await read;
    } catch (error) {
      throw unusable(name, error);
    }
  }
  const structure = await named(readStructure(reading('its structure')));
  return { structure, show: (visitor) => named(readEntries(reading('its keys'), structure, visitor)) };
}
