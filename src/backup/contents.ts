import type { EntryVisitor } from '../bolt/entries.ts';
import { leafReader } from '../bolt/leaves.ts';
import { MAX_STRUCTURE_BYTES, type Structure } from '../bolt/structure.ts';
import { Failure } from '../errors.ts';
import { bytesOf } from '../util/lent.ts';
import { type Reading, readBackup } from './read.ts';

/** How a backup is to be looked into. */
export type ContentsReading = Omit<Reading, 'checkStructure' | 'sink'>;

/**
 * Shows every revision in a backup. It is read twice, and proved both times: only the end of the first read tells which of
 * its pages are in use.
 * @throws Failure `backup` when it cannot be read or is not whole, or is too large for that
 */
export async function readContents(
  reading: ContentsReading,
  visitorFor: (structure: Structure) => EntryVisitor,
): Promise<Structure> {
  const structure = await readBackup({ ...reading, checkStructure: true });
  if (structure === undefined) throw tooLarge(reading);
  const leaves = leafReader(structure, visitorFor(structure));
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
      return structure;
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
