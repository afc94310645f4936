import assert from 'node:assert/strict';
import { readdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encode } from '../../src/backup/codec.ts';
import { checksumming } from '../../src/backup/digest.ts';
import { digestStored, type Bounds, proveSnapshot, proveStored } from '../../src/backup/proof.ts';
import type { PendingFile } from '../../src/storage/store.ts';
import { bytesOf, type Chunks, lend, type LentBuffer } from '../../src/util/lent.ts';
import { flipped, sha256, snapshotOf, inParts, streamOf } from './chunks.ts';
import { assertNothingOpenBelow, type Place, readyStore } from '../storage/file/place.ts';
import { collect, failsWith, MIB, NAME, never } from '../support/file-store.ts';
import { type Form, FORMS, NONE, ZSTD } from './forms.ts';

/** No bounds. */
const ANY: Bounds = {
  stored: { size: Number.MAX_SAFE_INTEGER },
  raw: { size: Number.MAX_SAFE_INTEGER },
  surplus: () => assert.fail('nothing is larger'),
};

const hex = (bytes: Buffer): string => bytes.toString('hex');

interface Stored {
  place: Place;
  pending: PendingFile;
  /** where the bytes are until they are published */
  path: string;
  written: Parameters<typeof proveStored>[1];
}

/** Puts the snapshot into a real store, as a backup does, up to the moment when it is to be proved. */
async function store(snapshot: Buffer, encoding: Form): Promise<Stored> {
  const place = await readyStore();
  const pending = await place.store.create(NAME);
  const stored = checksumming();
  const sink = async (chunks: Chunks) => {
    for await (const chunk of chunks) {
      stored.add(chunk);
      await pending.write(bytesOf(chunk));
    }
  };
  const proof = proveSnapshot();
  await encode(proof.watch(streamOf(...inParts(snapshot, 2 * MIB))), encoding, sink, never());
  await pending.flush();
  const [file = ''] = await readdir(place.folder);
  const written = { ...encoding, raw: proof.raw(), stored: stored.checksum() };
  return { place, pending, path: join(place.folder, file), written };
}

// Reading back without compression is no different where it is encrypted.
for (const [form, encoding] of FORMS.filter(([name]) => name !== 'none and age')) {
  describe(`a backup that is stored with ${form}`, () => {
    const snapshot = snapshotOf(3);

    for (const sectors of [3, 4, 2047, 2048, 9000]) {
      test(`is proved by reading it back, at ${sectors} sectors`, async () => {
        const { place, pending, path, written } = await store(snapshotOf(sectors), encoding);
        await using _ = place;
        const file = await readFile(path);
        for (const time of ['first', 'second']) {
          const { proof, stored } = await proveStored(pending, written, never());
          assert.ok(proof, time);
          assert.deepEqual(stored, { size: file.length, sha256: hex(sha256(file)) });
        }
        await pending.discard();
        await assertNothingOpenBelow(place.folder);
      });
    }

    test('is refused when any bit of the file is flipped', async () => {
      const { place, pending, path, written } = await store(snapshot, encoding);
      await using _ = place;
      const file = await readFile(path);
      for (let at = 0; at < file.length; at += 1) {
        await writeFile(path, flipped(file, at * 8 + (at % 8)));
        await assert.rejects(proveStored(pending, written, never()), failsWith(/./), `byte ${at}`);
      }
      await writeFile(path, file);
      assert.ok(await proveStored(pending, written, never()), 'the file itself is whole');
      await pending.discard();
    });

    test('is refused when the file was cut anywhere', async () => {
      const { place, pending, path, written } = await store(snapshot, encoding);
      await using _ = place;
      for (let length = written.stored.size - 1; length >= 0; length -= 1) {
        await truncate(path, length);
        await assert.rejects(proveStored(pending, written, never()), failsWith(/./), `${length} bytes`);
      }
      await pending.discard();
    });

    const replacements: [name: string, of: (file: Buffer) => Buffer | Promise<Buffer>, refusal: RegExp][] = [
      [
        'something follows it',
        (file) => Buffer.concat([file, Buffer.from([0])]),
        /not whole|reads back differently|cannot be decrypted/,
      ],
      [
        'something follows it that is whole too',
        (file) => Buffer.concat([file, file]),
        /not whole|reads back diff|cannot be decrypted/,
      ],
      [
        'it is another snapshot, as whole as this one',
        () => another(encoding),
        /stored file reads back differently/,
      ],
    ];
    for (const [name, of, refusal] of replacements) {
      test(`is refused when ${name}`, async () => {
        const { place, pending, path, written } = await store(snapshot, encoding);
        await using _ = place;
        await writeFile(path, await of(await readFile(path)));
        await assert.rejects(proveStored(pending, written, never()), failsWith(refusal));
        await pending.discard();
      });
    }

    test('is refused when the file holds the same, but is not what was written', async () => {
      const { place, pending, written } = await store(snapshot, encoding);
      await using _ = place;
      const other = { size: written.raw.size, sha256: 'a'.repeat(64) };
      const wrong = [
        { ...written, raw: other },
        { ...written, raw: { ...written.raw, size: 1024 } },
        { ...written, stored: { ...written.stored, size: 1 } },
        { ...written, stored: { ...written.stored, crc32: written.stored.crc32 ^ 1 } },
      ];
      for (const claim of wrong) {
        await assert.rejects(
          proveStored(pending, claim, never()),
          failsWith(/reads back differently from what was written/, /this store cannot be trusted/),
        );
      }
      await pending.discard();
    });

    test('is refused when the file is gone, in the words of the store', async () => {
      const { place, pending, path, written } = await store(snapshot, encoding);
      await using _ = place;
      await unlink(path);
      await assert.rejects(
        proveStored(pending, written, never()),
        failsWith(/could not read .*it does not exist/),
      );
      await pending.discard();
    });

    test('is not proved when the run ends meanwhile, and the file is closed', async () => {
      const { place, pending, written } = await store(snapshotOf(40_000), encoding);
      await using _ = place;
      const end = new AbortController();
      const reason = new Error('ended');
      const proving = proveStored(pending, written, end.signal);
      setImmediate(() => end.abort(reason));
      await assert.rejects(proving, (error) => error === reason);
      await pending.discard();
      await assertNothingOpenBelow(place.folder);
    });
  });
}

async function another(encoding: Form): Promise<Buffer> {
  let stored: Buffer = Buffer.alloc(0);
  const sink = async (chunks: Chunks) => {
    stored = await collect(chunks);
  };
  await encode(streamOf(snapshotOf(3)), encoding, sink, never());
  return stored;
}

describe('a file that is read long after it was written', () => {
  test('gives the digests that its manifest should have', async () => {
    const snapshot = snapshotOf(3);
    const { stored, raw } = await digestStored(streamOf(snapshot), NONE, ANY, never());
    assert.deepEqual(stored, { size: snapshot.length, sha256: hex(sha256(snapshot)) });
    assert.deepEqual(raw, { size: 1536, sha256: hex(snapshot.subarray(-32)) });
  });

  test('is damaged where it is stored, and no member is blamed for it', async () => {
    const damaged = flipped(snapshotOf(3), 99);
    await assert.rejects(
      digestStored(streamOf(damaged), NONE, ANY, never()),
      failsWith(/^the snapshot does not match etcd's own checksum: it was damaged where it is stored$/),
    );
    await assert.rejects(
      digestStored(streamOf(damaged), ZSTD, ANY, never()),
      failsWith(/^the stored bytes cannot be decompressed \(.*\): .* where it is stored$/),
    );
  });

  test('is proved to be whole, but not to be the right one: that takes its manifest', async () => {
    const stored = await another(ZSTD);
    const behind = Buffer.concat([stored, Buffer.from('x')]);
    const found = await digestStored(streamOf(behind), ZSTD, ANY, never());
    assert.equal(found.stored.size, stored.length + 1, 'what zstd passes over is in the digest all the same');
  });

  test('is not to blame when it cannot be read: that error is told as it is', async () => {
    const broken = new Error('the share went away');
    async function* failing(): AsyncGenerator<LentBuffer, void> {
      yield lend(snapshotOf(3).subarray(0, 99));
      throw broken;
    }
    for (const encoding of [NONE, ZSTD]) {
      const reading = digestStored(failing(), encoding, ANY, never());
      await assert.rejects(reading, encoding === NONE ? (error) => error === broken : isBrokenOrUndecodable);
    }
    function isBrokenOrUndecodable(error: unknown): boolean {
      return error === broken || failsWith(/cannot be decompressed/)(error);
    }
  });
});
