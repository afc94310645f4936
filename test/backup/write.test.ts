import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WrongSnapshot } from '../../src/backup/proof.ts';
import { judgeAnnouncement, writeSnapshot } from '../../src/backup/write.ts';
import { readyStore } from '../storage/file/place.ts';
import { collect, failsWith, MIB, NAME, never } from '../support/file-store.ts';
import { inParts, snapshotOf, streamOf } from './chunks.ts';
import { NONE } from './forms.ts';

describe('what is announced', () => {
  const GIB = 1024 * MIB;
  const rows: [announced: number, dbSize: number, judgement: ReturnType<typeof judgeAnnouncement>][] = [
    [20_480, 20_480, 'fits'],
    [20_480 + GIB, 20_480, 'fits'],
    [17 * GIB, 8 * GIB, 'fits'],
    [2 * GIB, 20_480, 'too-large'],
    [18 * GIB, 8 * GIB, 'too-large'],
    [Number.MAX_SAFE_INTEGER, 8 * GIB, 'too-large'],
    [20_479, 20_480, 'too-small'],
    [512, 8 * GIB, 'too-small'],
    [0, 0, 'too-small'],
    [-1, -1, 'too-small'],
  ];
  for (const [announced, dbSize, judgement] of rows) {
    test(`${announced} bytes of a database of ${dbSize}: ${judgement}`, () => {
      assert.equal(judgeAnnouncement(announced, dbSize), judgement);
    });
  }
});

/** Writes it as one that was announced with so many bytes; how many of them the store has then. */
async function write(announcedBytes: number, bytes: Buffer) {
  await using place = await readyStore();
  const pending = await place.store.create(NAME);
  const writing = { announcedBytes, signal: never(), see: () => undefined };
  const error: unknown = await writeSnapshot(streamOf(...inParts(bytes, 9_000)), NONE, pending, writing)
    .then(() => undefined)
    .catch((thrown: unknown) => thrown);
  await pending.flush();
  const stored = await collect(pending.read());
  await pending.discard();
  return { error, stored };
}

describe('a snapshot that is not as long as it was announced is refused', () => {
  const snapshot = snapshotOf(4000);
  const size = snapshot.length - 32;

  test('but one that is, is stored', async () => {
    const { error, stored } = await write(size, snapshot);
    assert.equal(error, undefined);
    assert.ok(stored.equals(snapshot));
  });

  test('when it is shorter', async () => {
    const { error } = await write(size + 512, snapshot);
    assert.ok(error instanceof WrongSnapshot);
    failsWith(/the snapshot ends after 2048000 of the 2048512 bytes that were announced: it was damaged/)(
      error,
    );
  });

  test('when it is longer, as soon as that is seen, and the store got no byte more', async () => {
    const { error, stored } = await write(MIB, snapshot);
    assert.ok(error instanceof WrongSnapshot);
    failsWith(/the snapshot goes on after the 1048576 bytes that were announced: it was damaged/)(error);
    assert.ok(stored.length <= MIB + 32 && stored.length > MIB - 10_000, `${stored.length} bytes`);
  });
});
