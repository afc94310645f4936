import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { readdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encryptFor } from '../../src/backup/age.ts';
import { type Decoding, type Encoding, encode } from '../../src/backup/codec.ts';
import { digesting, proveSnapshot, proveStored, readStored } from '../../src/backup/proof.ts';
import type { PendingFile } from '../../src/storage/store.ts';
import { cutInTwo, flipped, inParts, MIB, never, sha256, snapshotOf, streamOf } from './chunks.ts';
import { assertNothingOpenBelow, failsWith, NAME, type Place, readyStore } from '../storage/file/place.ts';

type Form = Encoding & Decoding;

const NONE: Form = { compression: 'none' };
const ZSTD: Form = { compression: 'zstd' };
const SEALED: Form = { ...ZSTD, ...(await encryptFor([])) };
const FORMS: [name: string, form: Form][] = [
  ['none', NONE],
  ['zstd', ZSTD],
  ['zstd and age', SEALED],
];
const NOT_WHOLE = failsWith(
  /the snapshot is not whole \(\d+ bytes are no database file with its checksum\): it was damag/,
);
const DAMAGED = failsWith(/the snapshot does not match etcd's own checksum: it was damaged/);

const hex = (bytes: Buffer): string => bytes.toString('hex');

/** Watches the chunks to their end; the proof, and what came out. */
async function watched(...chunks: Buffer[]) {
  const proof = proveSnapshot();
  const passed: Buffer[] = [];
  for await (const chunk of proof.watch(streamOf(...chunks))) passed.push(chunk);
  return { proof, passed };
}

function assertProved({ proof, passed }: Awaited<ReturnType<typeof watched>>, snapshot: Buffer): void {
  assert.ok(Buffer.concat(passed).equals(snapshot));
  const file = snapshot.subarray(0, -32);
  assert.deepEqual(proof.raw(), { size: file.length, sha256: hex(sha256(file)) });
  assert.deepEqual(proof.whole(), { size: snapshot.length, sha256: hex(sha256(snapshot)) });
}

describe('a snapshot is proved while it streams', () => {
  const small = snapshotOf(1);

  test('in one piece', async () => assertProved(await watched(small), small));

  test('cut in two anywhere', async () => {
    for (const parts of cutInTwo(small)) assertProved(await watched(...parts), small);
  });

  test('byte by byte', async () => {
    assertProved(await watched(...Array.from(small, (byte) => Buffer.from([byte]))), small);
  });

  test('in random parts, empty ones among them', async () => {
    for (let round = 0; round < 300; round += 1) {
      const snapshot = snapshotOf(randomInt(1, 6));
      assertProved(await watched(...inParts(snapshot, randomInt(1, 200))), snapshot);
    }
  });

  test('in pieces of 1 MiB, the last of which may be anything', async () => {
    for (const sectors of [2048, 2049, 4095, 4096]) {
      const snapshot = snapshotOf(sectors);
      assertProved(await watched(snapshot.subarray(0, MIB), snapshot.subarray(MIB)), snapshot);
    }
  });

  test('and every piece is passed on as it is, not copied', async () => {
    const parts = [small.subarray(0, 100), small.subarray(100)];
    const { passed } = await watched(...parts);
    assert.ok(passed.every((piece, at) => piece === parts[at]));
  });

  test('though each piece is overwritten as soon as the next one is asked for', async () => {
    async function* reusing(): AsyncGenerator<Buffer, void> {
      for (const part of inParts(small, 90)) {
        const piece = Buffer.from(part);
        yield piece;
        piece.fill(0xee);
      }
    }
    const proof = proveSnapshot();
    for await (const _ of proof.watch(reusing()));
    assert.equal(proof.raw().sha256, hex(sha256(small.subarray(0, -32))));
  });

  test('and refused when any bit is flipped', async () => {
    for (let bit = 0; bit < small.length * 8; bit += 1) {
      await assert.rejects(watched(flipped(small, bit)), DAMAGED, `bit ${bit}`);
    }
  });

  test('and refused when it is cut anywhere', async () => {
    const snapshot = snapshotOf(2);
    for (let length = 0; length < snapshot.length; length += 1) {
      const refusal = length === snapshot.length - 512 ? DAMAGED : NOT_WHOLE;
      await assert.rejects(
        watched(...inParts(snapshot.subarray(0, length), 400)),
        refusal,
        `${length} bytes`,
      );
    }
  });

  const rows: [name: string, bytes: Buffer, refusal: (error: unknown) => true][] = [
    ['it is empty', Buffer.alloc(0), NOT_WHOLE],
    ['it is a checksum of nothing', sha256(Buffer.alloc(0)), NOT_WHOLE],
    ['it has no checksum', snapshotOf(4).subarray(0, -32), NOT_WHOLE],
    ['something follows', Buffer.concat([snapshotOf(1), Buffer.from([0])]), NOT_WHOLE],
    ['it comes twice', Buffer.concat([snapshotOf(1), snapshotOf(1)]), NOT_WHOLE],
    ['a sector is missing', Buffer.concat([snapshotOf(3).subarray(512)]), DAMAGED],
    ['it is noise of the right size', randomBytes(544), DAMAGED],
    ['it is all zeros', Buffer.alloc(544), DAMAGED],
  ];
  for (const [name, bytes, refusal] of rows) {
    test(`and refused when ${name}`, () => assert.rejects(watched(bytes), refusal));
  }

  test('and when it fails on its way, that failure is told', async () => {
    const broken = new Error('the member went away');
    async function* failing(): AsyncGenerator<Buffer, void> {
      yield small.subarray(0, 200);
      throw broken;
    }
    const drained = async () => {
      for await (const _ of proveSnapshot().watch(failing()));
    };
    await assert.rejects(drained, (error) => error === broken);
  });
});

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
  const stored = digesting();
  const sink = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      stored.add(chunk);
      await pending.write(chunk);
    }
  };
  const proof = proveSnapshot();
  await encode(proof.watch(streamOf(...inParts(snapshot, 2 * MIB))), encoding, sink, never());
  await pending.flush();
  const [file = ''] = await readdir(place.folder);
  const written = { ...encoding, raw: proof.raw(), stored: stored.digest() };
  return { place, pending, path: join(place.folder, file), written };
}

for (const [form, encoding] of FORMS) {
  describe(`a backup that is stored with ${form}`, () => {
    const snapshot = snapshotOf(1);

    for (const sectors of [1, 2, 2047, 2048, 9000]) {
      test(`is proved by reading it back, at ${sectors} sectors`, async () => {
        const { place, pending, written } = await store(snapshotOf(sectors), encoding);
        await using _ = place;
        assert.ok(await proveStored(pending, written, never()));
        assert.ok(await proveStored(pending, written, never()), 'and once more');
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
        { ...written, stored: { ...written.stored, sha256: other.sha256 } },
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
  const parts: Buffer[] = [];
  const sink = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  };
  await encode(streamOf(snapshotOf(1)), encoding, sink, never());
  return Buffer.concat(parts);
}

describe('a file that is read long after it was written', () => {
  test('gives the digests that its manifest should have', async () => {
    const snapshot = snapshotOf(3);
    const { stored, raw } = await readStored(streamOf(snapshot), NONE, never());
    assert.deepEqual(stored, { size: snapshot.length, sha256: hex(sha256(snapshot)) });
    assert.deepEqual(raw, { size: 1536, sha256: hex(snapshot.subarray(-32)) });
  });

  test('is damaged where it is stored, and no member is blamed for it', async () => {
    const damaged = flipped(snapshotOf(3), 99);
    await assert.rejects(
      readStored(streamOf(damaged), NONE, never()),
      failsWith(/^the snapshot does not match etcd's own checksum: it was damaged where it is stored$/),
    );
    await assert.rejects(
      readStored(streamOf(damaged), ZSTD, never()),
      failsWith(/^the stored bytes cannot be decompressed \(.*\): .* where it is stored$/),
    );
  });

  test('is proved to be whole, but not to be the right one: that takes its manifest', async () => {
    const stored = await another(ZSTD);
    const behind = Buffer.concat([stored, Buffer.from('x')]);
    const found = await readStored(streamOf(behind), ZSTD, never());
    assert.equal(found.stored.size, stored.length + 1, 'what zstd passes over is in the digest all the same');
  });

  test('is not to blame when it cannot be read: that error is told as it is', async () => {
    const broken = new Error('the share went away');
    async function* failing(): AsyncGenerator<Buffer, void> {
      yield snapshotOf(1).subarray(0, 99);
      throw broken;
    }
    for (const encoding of [NONE, ZSTD]) {
      const reading = readStored(failing(), encoding, never());
      await assert.rejects(reading, encoding === NONE ? (error) => error === broken : isBrokenOrUndecodable);
    }
    function isBrokenOrUndecodable(error: unknown): boolean {
      return error === broken || failsWith(/cannot be decompressed/)(error);
    }
  });
});

test('a digest is the size and the SHA-256 of all that was added, at any time', () => {
  const digest = digesting();
  assert.deepEqual(digest.digest(), { size: 0, sha256: hex(sha256(Buffer.alloc(0))) });
  digest.add(Buffer.from('ab'));
  assert.equal(digest.digest().size, 2);
  digest.add(Buffer.from('c'));
  assert.deepEqual(digest.digest(), { size: 3, sha256: hex(sha256(Buffer.from('abc'))) });
});
