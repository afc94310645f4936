import type { Manifest } from '../../backup/manifest.ts';
import { WrongSnapshot } from '../../backup/proof.ts';
import { type ComputedHash, HASH_KEY_BYTES, hashReader } from '../../bolt/hash/hash.ts';
import { keyNumbers } from '../../bolt/keys/key-numbers.ts';
import { heldBytes, leafReader } from '../../bolt/leaves.ts';
import { numbered } from '../../bolt/keys/numbered.ts';
import { roomOf } from '../../bolt/keys/room.ts';
import { compactedTo, MAX_STRUCTURE_BYTES, type Structure } from '../../bolt/structure.ts';
import { countedAt, usageCounter } from '../../bolt/usage/counter.ts';
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

const NOT_COUNTED =
  'what fills the database was not counted, for that would have taken too much memory: there are too many keys, or too ' +
  'large values';
const NOT_COMPUTED =
  "the backup's own hash was not computed, and so not compared with the members', for that would have taken too much " +
  'memory: there are too many revisions, or too large values';

/** A leaf was. */
const TOO_LARGE: ComputedHash = { kind: 'not-computed', why: 'too-large' };

export function contentsReader(
  task: Pick<Task, 'cluster' | 'config' | 'log' | 'member' | 'warn'>,
  { revision }: Pick<Origin, 'revision'>,
  structure: Structure,
): Contents {
  const { cluster, config, log, member, warn } = task;
  const file: FileRevisions = { revision: structure.revision, compactRevision: compactedTo(structure) };
  // Of what the structure may take, they share what it leaves over. Where usage has given up, the hash may go on alone.
  const room = roomOf(MAX_STRUCTURE_BYTES - heldBytes(structure));
  const keys = keyNumbers(room, structure.keys, HASH_KEY_BYTES);
  const point = hashPointOf(cluster, member, file, revision);
  const hash = point && hashReader({ structure, ...point, keys, room });
  const usage = usageCounter({
    revision: countedAt(structure, revision),
    objectPrefix: config.objectPrefix,
    keys,
    room,
  });
  const leaves = leafReader(structure, numbered(keys, hash ? [usage, hash] : [usage]));
  return {
    see: (piece) => leaves.take(bytesOf(piece)),
    found() {
      const shown = leaves.end();
      // What was read back is what was judged, byte for byte: the checksums say so.
      if (shown === 'changed') throw new Error('the leaves of the database are not where they were');
      const own: ComputedHash | undefined = shown === 'all' ? hash?.hash() : hash && TOO_LARGE;
      if (own?.kind === 'not-computed' && own.why === 'too-large') warn(NOT_COMPUTED);
      const computed = hashIn(own);
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
