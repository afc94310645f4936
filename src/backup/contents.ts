import type { EntryVisitor } from '../bolt/entries.ts';
import { leafReader } from '../bolt/leaves.ts';
import { MAX_STRUCTURE_BYTES, type Structure } from '../bolt/structure.ts';
import { Failure } from '../errors.ts';
import { bytesOf } from '../util/lent.ts';
import { type Reading, readBackup } from './read.ts';

/**
 * A backup is looked into by reading it twice, and proved both times: only the end of the first read tells which of its
 * pages are in use.
 */
export type ContentsReading = Omit<Reading, 'checkStructure' | 'sink'>;

/** The first read. @throws Failure `backup` when it cannot be read or is not whole, or is too large to be looked into */
export async function readStructure(reading: ContentsReading): Promise<Structure> {
  const structure = await readBackup({ ...reading, checkStructure: true });
  if (structure === undefined) throw tooLarge(reading);
  return structure;
}

/**
 * The second one: shows every revision.
 * @throws Failure `backup` when it cannot be read or is not what it was, or has a leaf that is too large
 */
export async function readEntries(
  reading: ContentsReading,
  structure: Structure,
  visitor: EntryVisitor,
): Promise<void> {
  const leaves = leafReader(structure, visitor);
  await readBackup({
    ...reading,
    checkStructure: false,
    sink: async (chunks) => {
      for await (const chunk of chunks) leaves.take(bytesOf(chunk));
    },
  });
  const shown = leaves.end();
  switch (shown) {
    case 'all':
      return;
    case 'too-large':
      throw tooLarge(reading);
    case 'changed':
      throw changed(reading);
    default:
      return shown satisfies never;
  }
}

const tooLarge = ({ manifest: { name, raw } }: ContentsReading): Failure =>
  new Failure(
    'backup',
    `${name} has ${raw.size} bytes, and to look into it would take more than ${MAX_STRUCTURE_BYTES / 2 ** 20} MiB of ` +
      'memory: fetch it, restore it into a scratch etcd, and ask that',
  );

const changed = ({ manifest: { name } }: ContentsReading): Failure =>
  new Failure('backup', `${name} changed while it was read: who writes into the store?`);
