import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';
import { messageOf } from '../../src/errors.ts';
import { readBackup } from '../../src/backup/read.ts';
import type { Manifest } from '../../src/backup/manifest.ts';
import type { Store } from '../../src/storage/store.ts';
import { type Chunks, lend, type LentBuffer } from '../../src/util/lent.ts';
import { streamOf } from './chunks.ts';
import { sampleManifest } from './sample.ts';
import { emptyStore } from './small-store.ts';
import { failsWith, MIB, never, replaced } from '../support/file-store.ts';

/** What a reader of files that others made has to stand. */

const RAW = 64 * 512;
const IDENTITY = 'AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ';

/** Reads what `stored` gives as a backup with that manifest. @returns what came out of it, and why it was refused */
async function refused(
  stored: () => Chunks,
  changes: Partial<Manifest>,
): Promise<{ written: number; message: string }> {
  await using place = await emptyStore();
  const store: Store = replaced(place.store, { read: stored });
  let written = 0;
  const sink = async (chunks: Chunks): Promise<void> => {
    for await (const chunk of chunks) written += chunk.length;
  };
  const manifest = sampleManifest({ raw: { size: RAW, sha256: 'a'.repeat(64) }, ...changes });
  const given = { store, manifest, identities: [IDENTITY], signal: never(), sink };
  try {
    await readBackup({ ...given, checkStructure: true, onRead: () => undefined });
  } catch (error) {
    failsWith(/./)(error);
    return { written, message: messageOf(error) };
  }
  return assert.fail('it was taken for a backup');
}

describe('a small file that unfolds to a large one', () => {
  test('gives no more than its manifest says', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * MIB));
    assert.ok(bomb.length < 20_000, `${bomb.length}`);
    const { written, message } = await refused(() => streamOf(bomb), {
      stored: { size: bomb.length, sha256: 'b'.repeat(64) },
    });
    assert.ok(written <= RAW + 32, `${written} bytes were written`);
    assert.match(message, /^the snapshot in it is not what its manifest says \(more than 32800 bytes/);
  });

  test('in many frames neither', async () => {
    const frame = zstdCompressSync(Buffer.alloc(1000));
    const bomb = Buffer.concat(Array.from({ length: 1000 }, () => frame));
    const { written } = await refused(() => streamOf(bomb), {
      stored: { size: bomb.length, sha256: 'b'.repeat(64) },
    });
    assert.ok(written <= RAW + 32, `${written} bytes were written`);
  });

  test('may not ask for more memory than 8 MiB', async () => {
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 };
    const wide = zstdCompressSync(Buffer.concat([randomBytes(20 * MIB)]), { params });
    const size = wide.length;
    const { message } = await refused(() => streamOf(...piecesOf(wide)), {
      stored: { size, sha256: 'b'.repeat(64) },
      raw: { size: 20 * MIB - 32, sha256: 'a'.repeat(64) },
    });
    assert.match(message, /cannot be decompressed/);
  });
});

describe('a file without an end', () => {
  const stored = { size: 4 * MIB, sha256: 'b'.repeat(64) };
  const FORMS: [what: string, piece: Buffer, changes: Partial<Manifest>][] = [
    [
      'that is plain',
      Buffer.alloc(MIB),
      { compression: 'none', raw: { size: 4 * MIB - 32, sha256: 'a'.repeat(64) } },
    ],
    // A frame that decoders skip, of 1 MiB with its head.
    ['of frames with nothing in them', skippable(MIB), {}],
    [
      'with the head of an age file and no end of it',
      ageHead(MIB),
      { encryption: { recipients: ['age1x'] } },
    ],
  ];
  for (const [what, piece, changes] of FORMS) {
    test(`${what} is read no further than its manifest says`, { timeout: 20_000 }, async () => {
      let given = 0;
      async function* endless(): AsyncGenerator<LentBuffer, void> {
        for (;;) {
          given += 1;
          yield lend(piece);
        }
      }
      await refused(endless, { stored, ...changes });
      assert.ok(given <= 8, `${given} MiB were read`);
    });
  }
});

function skippable(bytes: number): Buffer {
  const frame = Buffer.alloc(bytes);
  frame.writeUInt32LE(0x184d2a50, 0);
  frame.writeUInt32LE(bytes - 8, 4);
  return frame;
}

function ageHead(bytes: number): Buffer {
  const stanza =
    '-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\nEmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n';
  return Buffer.from(`age-encryption.org/v1\n${stanza.repeat(Math.ceil(bytes / stanza.length))}`);
}

function piecesOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / MIB) }, (_, at) =>
    bytes.subarray(at * MIB, (at + 1) * MIB),
  );
}
