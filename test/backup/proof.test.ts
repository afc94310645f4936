import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { proveSnapshot } from '../../src/backup/proof.ts';
import { bytesOf, lend, type LentBuffer } from '../../src/util/lent.ts';
import { cutInTwo, flipped, inParts, sha256, snapshotOf, streamOf } from './chunks.ts';
import { boltFile, META, withChecksum } from '../support/bolt-file.ts';
import { failsWith, MIB } from '../support/file-store.ts';

const NOT_WHOLE = failsWith(
  /the snapshot is not whole \(\d+ bytes are no database file with its checksum\): it was damag/,
);
const NO_DATABASE = failsWith(/the snapshot is no database of etcd's: .*: it was damaged on its way/);
const DAMAGED = failsWith(/the snapshot does not match etcd's own checksum: it was damaged/);

const SHORTER = failsWith(
  /the snapshot is not whole \(it has \d+ bytes, and its database (?:says|ends within)/,
);

/** The first pages of a database that says it has more, with the checksum of what is there. */
const cutFile = (pages: number, left: number): Buffer =>
  withChecksum(boltFile({ pages }).subarray(0, left * 512));
const longerFile = (): Buffer => withChecksum(Buffer.concat([boltFile({ pages: 3 }), Buffer.alloc(512)]));
const withoutSector = (snapshot: Buffer, sector: number): Buffer =>
  Buffer.concat([snapshot.subarray(0, sector * 512), snapshot.subarray((sector + 1) * 512)]);
const hex = (bytes: Buffer): string => bytes.toString('hex');

/** Watches the chunks to their end; the proof, and what came out. */
async function watched(...chunks: Buffer[]) {
  const proof = proveSnapshot();
  const passed: Buffer[] = [];
  for await (const chunk of proof.watch(streamOf(...chunks))) passed.push(bytesOf(chunk));
  return { proof, passed };
}

function assertProved({ proof, passed }: Awaited<ReturnType<typeof watched>>, snapshot: Buffer): void {
  assert.ok(Buffer.concat(passed).equals(snapshot));
  const file = snapshot.subarray(0, -32);
  assert.deepEqual(proof.raw(), { size: file.length, sha256: hex(sha256(file)) });
  assert.deepEqual(proof.whole(), { size: snapshot.length, sha256: hex(sha256(snapshot)) });
}

describe('a snapshot is proved while it streams', () => {
  const small = snapshotOf(3);

  test('in one piece', async () => assertProved(await watched(small), small));

  test('cut in two anywhere', async () => {
    for (const parts of cutInTwo(small)) assertProved(await watched(...parts), small);
  });

  test('byte by byte', async () => {
    assertProved(await watched(...Array.from(small, (byte) => Buffer.from([byte]))), small);
  });

  test('in random parts, empty ones among them', async () => {
    for (let round = 0; round < 300; round += 1) {
      const snapshot = snapshotOf(randomInt(3, 8));
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
    async function* reusing(): AsyncGenerator<LentBuffer, void> {
      for (const part of inParts(small, 90)) {
        const piece = Buffer.from(part);
        yield lend(piece);
        piece.fill(0xee);
      }
    }
    const proof = proveSnapshot();
    for await (const _ of proof.watch(reusing()));
    assert.equal(proof.raw().sha256, hex(sha256(small.subarray(0, -32))));
  });

  /** Of a page's own header bbolt reads the number and the flags of a meta page, which come before this. */
  const META_COUNT = 10;

  test('and refused when any bit is flipped', async () => {
    for (let bit = 0; bit < small.length * 8; bit += 1) {
      const at = (bit >> 3) % 512;
      const isRead = (at >= META.magic && at < META.checksum + 8) || at < META_COUNT;
      const inMeta = bit < 2 * 512 * 8 && isRead;
      await assert.rejects(watched(flipped(small, bit)), inMeta ? NO_DATABASE : DAMAGED, `bit ${bit}`);
    }
  });

  test('and refused when it is cut anywhere', async () => {
    const snapshot = snapshotOf(4);
    for (let length = 0; length < snapshot.length; length += 1) {
      const refusal = length > 32 && length % 512 === 32 ? DAMAGED : NOT_WHOLE;
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
    ['something follows', Buffer.concat([snapshotOf(3), Buffer.from([0])]), NOT_WHOLE],
    ['it comes twice', Buffer.concat([snapshotOf(3), snapshotOf(3)]), NOT_WHOLE],
    ['its first sector is missing', snapshotOf(4).subarray(512), NO_DATABASE],
    ['its last sector is missing', withoutSector(snapshotOf(5), 4), DAMAGED],
    ['it is noise of the right size', randomBytes(544), NO_DATABASE],
    ['it is all zeros', Buffer.alloc(544), NO_DATABASE],
    ['it is zeros and their checksum', withChecksum(Buffer.alloc(512)), NO_DATABASE],
    ['it is an empty file and its checksum', withChecksum(Buffer.alloc(0)), NOT_WHOLE],
    ['its pages end before the database does, by a checksum that fits', cutFile(5, 4), SHORTER],
    ['its database ends before its pages do, by a checksum that fits', longerFile(), SHORTER],
    ['it ends within its second page, by a checksum that fits', cutFile(3, 1), SHORTER],
  ];
  for (const [name, bytes, refusal] of rows) {
    test(`and refused when ${name}`, () => assert.rejects(watched(bytes), refusal));
  }

  test('and when it fails on its way, that failure is told', async () => {
    const broken = new Error('the member went away');
    async function* failing(): AsyncGenerator<LentBuffer, void> {
      yield lend(small.subarray(0, 200));
      throw broken;
    }
    const drained = async () => {
      for await (const _ of proveSnapshot().watch(failing()));
    };
    await assert.rejects(drained, (error) => error === broken);
  });
});
