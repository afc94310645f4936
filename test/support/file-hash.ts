import { type ComputedHash, hashReader, type KeySpaceHash } from '../../src/bolt/hash.ts';
import { MIB } from './units.ts';
import type { WalkedDatabase } from './bolt-walk.ts';

/** HashKV of a database as src/bolt computes it, its leaves seen in this order of their ranks. */
export function hashOf(
  database: WalkedDatabase,
  at: Omit<KeySpaceHash, 'hash'>,
  ranks?: readonly number[],
): ComputedHash {
  const structure = { leaves: new Uint32Array(database.leaves.length), keys: database.entries };
  const reader = hashReader({ ...at, structure, maxBytes: 64 * MIB });
  database.visit(reader, ranks);
  return reader.hash();
}
