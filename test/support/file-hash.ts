import assert from 'node:assert/strict';
import { leafReader } from '../../src/bolt/leaves.ts';
import { structureReader } from '../../src/bolt/structure.ts';
import {
  type ComputedHash,
  hashReader,
  type HashOptions,
  type KeySpaceHash,
} from '../../src/bolt/hash/hash.ts';
import { keyNumbers } from '../../src/bolt/keys/key-numbers.ts';
import { numbered } from '../../src/bolt/keys/numbered.ts';
import { roomOf } from '../../src/bolt/keys/room.ts';
import { MIB } from './units.ts';
import type { WalkedDatabase } from './bolt-walk.ts';

type HashPoint = Omit<KeySpaceHash, 'hash'>;

function hashing(structure: HashOptions['structure'], at: HashPoint) {
  const room = roomOf(64 * MIB);
  const keys = keyNumbers(room, structure.keys);
  const reader = hashReader({ ...at, structure, keys, room });
  return { reader, visitor: numbered(keys, [reader]) };
}

/** HashKV of a database as src/bolt computes it, its leaves seen in this order of their ranks. */
export function hashOf(database: WalkedDatabase, at: HashPoint, ranks?: readonly number[]): ComputedHash {
  const structure = { leaves: new Uint32Array(database.leaves.length), keys: database.entries };
  const { reader, visitor } = hashing(structure, at);
  database.visit(visitor, ranks);
  return reader.hash();
}

/** The same of a file that streams by twice, in pieces of so many bytes, as a run sees it. */
export function hashOfStream(file: Buffer, at: HashPoint, pieceBytes: number): ComputedHash {
  const pieces = Array.from({ length: Math.ceil(file.length / pieceBytes) }, (_, index) =>
    file.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
  const reading = structureReader();
  for (const piece of pieces) reading.take(piece);
  const judgement = reading.judge();
  assert.ok(judgement.kind === 'sound');
  const { structure } = judgement;
  const { reader, visitor } = hashing(structure, at);
  const leaves = leafReader(structure, visitor);
  for (const piece of pieces) leaves.take(Buffer.from(piece));
  assert.equal(leaves.end(), 'all');
  return reader.hash();
}
