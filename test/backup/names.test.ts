import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backupName, backupOfManifest, manifestName, parseBackupName } from '../../src/backup/names.ts';

const at = new Date('2026-03-05T02:15:07.987Z');

test('a name holds the second in UTC, the revision and the compression', () => {
  assert.equal(backupName({ at, revision: 4711, compression: 'zstd' }), '20260305T021507Z-4711.db.zst');
  assert.equal(backupName({ at, revision: 1, compression: 'none' }), '20260305T021507Z-1.db');
});

test('every name of the pattern is read, also those that only later versions write', () => {
  const second = new Date('2026-03-05T02:15:07Z');
  const cases = [
    ['', 'none', false],
    ['.zst', 'zstd', false],
    ['.gz', 'gzip', false],
    ['.age', 'none', true],
    ['.zst.age', 'zstd', true],
    ['.gz.age', 'gzip', true],
  ] as const;
  for (const [suffix, compression, encrypted] of cases) {
    assert.deepEqual(parseBackupName(`20260305T021507Z-4711.db${suffix}`), {
      at: second,
      revision: 4711,
      compression,
      encrypted,
    });
  }
});

test('what is written is read back the same', () => {
  for (const compression of ['none', 'zstd'] as const) {
    const name = backupName({ at, revision: Number.MAX_SAFE_INTEGER, compression });
    const read = parseBackupName(name);
    assert.equal(read?.at.getTime(), Math.floor(at.getTime() / 1000) * 1000);
    assert.equal(read?.revision, Number.MAX_SAFE_INTEGER);
    assert.equal(read?.compression, compression);
  }
});

const NO_NAMES = {
  'month 13': '20261305T021507Z-1.db',
  'day 0': '20260300T021507Z-1.db',
  '30 February': '20260230T021507Z-1.db',
  '29 February in a common year': '20260229T021507Z-1.db',
  'hour 24': '20260305T240000Z-1.db',
  'second 60': '20260305T021560Z-1.db',
  'a revision that no number holds': '20260305T021507Z-9007199254740993.db',
  'a negative revision': '20260305T021507Z--1.db',
  'a revision with a leading zero': '20260305T021507Z-01.db',
  'no revision': '20260305T021507Z-.db',
  'no Z': '20260305T021507-1.db',
  'suffixes in the wrong order': '20260305T021507Z-1.db.age.zst',
  'another suffix': '20260305T021507Z-1.db.bz2',
  'a manifest': '20260305T021507Z-1.db.json',
  'a path': '../20260305T021507Z-1.db',
  'a line feed at the end': '20260305T021507Z-1.db\n',
  'something before it': 'x20260305T021507Z-1.db',
  'digits of another script': '٢٠٢٦٠٣٠٥T٠٢١٥٠٧Z-1.db',
  nothing: '',
};

for (const [what, name] of Object.entries(NO_NAMES)) {
  test(`not a name: ${what}`, () => assert.equal(parseBackupName(name), undefined));
}

test('29 February of a leap year is a date', () => {
  assert.equal(parseBackupName('20280229T000000Z-1.db')?.at.toISOString(), '2028-02-29T00:00:00.000Z');
});

test('a manifest is named after its backup, and only after a backup', () => {
  const name = '20260305T021507Z-4711.db.zst';
  assert.equal(manifestName(name), `${name}.json`);
  assert.equal(backupOfManifest(`${name}.json`), name);
  assert.equal(backupOfManifest(name), undefined);
  assert.equal(backupOfManifest('package.json'), undefined);
  assert.equal(backupOfManifest('20261305T021507Z-1.db.json'), undefined);
});
