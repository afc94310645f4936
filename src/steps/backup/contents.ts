import type { Manifest } from '../../backup/manifest.ts';
import { WrongSnapshot } from '../../backup/proof.ts';
import type { EntryVisitor } from '../../bolt/entries.ts';
import { type ComputedHash, hashReader } from '../../bolt/hash.ts';
import { leafReader, leafReaderBytes } from '../../bolt/leaves.ts';
import { MAX_STRUCTURE_BYTES, type Structure } from '../../bolt/structure.ts';
import { usageCounter } from '../../bolt/usage/counter.ts';
import { compareHashes, type FileRevisions, hashPointOf, OTHER_DATA_ADVICE } from '../../plan/hashes.ts';
import { bytesOf, type LentBuffer } from '../../util/lent.ts';
import type { Origin } from './origin.ts';
import type { Task } from './types.ts';

/** What the keys in a backup tell, seen while it is read back. */
export interface Contents {
  see(piece: LentBuffer): void;
  /** @throws WrongSnapshot where they are not those that the members have */
  found(): Pick<Manifest, 'usage' | 'hashKV'>;
}

/** Of what the structure might take while it was judged, the two that look at its keys share the rest. */
const bytesForEach = (structure: Structure): number => (MAX_STRUCTURE_BYTES - leafReaderBytes(structure)) / 2;

const NOT_COUNTED =
  'what fills the database was not counted, for that would have taken too much memory: there are too many keys, or too ' +
  'large values';

export function contentsReader(
  task: Pick<Task, 'cluster' | 'config' | 'log' | 'member' | 'warn'>,
  { revision }: Pick<Origin, 'revision'>,
  structure: Structure,
): Contents {
  const { cluster, config, log, member, warn } = task;
  const file: FileRevisions = {
    revision: structure.revision,
    compactRevision: structure.compactingTo ?? structure.compactRevision,
  };
  const maxBytes = bytesForEach(structure);
  const point = hashPointOf(cluster, member, file, revision);
  const hash = point && hashReader({ structure, ...point, maxBytes });
  const usage = usageCounter({ revision, objectPrefix: config.objectPrefix, maxBytes });
  const leaves = leafReader(structure, both(usage, hash));
  return {
    see: (piece) => leaves.take(bytesOf(piece)),
    found() {
      const shown = leaves.end();
      // What was read back is what was judged, byte for byte: the checksums say so.
      if (shown === 'changed') throw new Error('the leaves of the database are not where they were');
      const computed = shown === 'all' ? hashIn(hash?.hash()) : undefined;
      const comparison = compareHashes(cluster, member, file, computed);
      if (comparison.kind === 'differs') throw new WrongSnapshot(comparison.message, OTHER_DATA_ADVICE);
      if (comparison.kind === 'not-comparable')
        log.info({ reason: comparison.message }, 'hash of the backup not compared');
      const counted = shown === 'all' ? usage.usage() : undefined;
      if (counted === undefined) warn(NOT_COUNTED);
      return { ...(computed && { hashKV: computed }), ...(counted && { usage: counted }) };
    },
  };
}

function hashIn(found: ComputedHash | undefined): Manifest['hashKV'] {
  if (found?.kind !== 'computed') return undefined;
  const { hash, revision, compactRevision } = found;
  return { hash, revision, compactRevision };
}

function both(first: EntryVisitor, second: EntryVisitor | undefined): EntryVisitor {
  if (second === undefined) return first;
  return {
    leaf(rank, entries) {
      first.leaf?.(rank, entries);
      second.leaf?.(rank, entries);
    },
    entry(entry) {
      first.entry(entry);
      second.entry(entry);
    },
  };
}
