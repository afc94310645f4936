import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_TEXT } from '../../src/backup/fields.ts';
import { formatManifest, parseManifest } from '../../src/backup/manifest.ts';
import { sumOf } from '../../src/bolt/usage/figures.ts';
import { sampleManifest } from './sample.ts';

test('what is written is read back the same', () => {
  const manifest = sampleManifest();
  assert.deepEqual(parseManifest(formatManifest(manifest)), { ok: true, value: manifest });
});

test('what fills the database is read back the same, any key of it', () => {
  const figures = { keys: 2, revisions: 3, liveBytes: 2 ** 40, historyBytes: 5 };
  const usage = {
    total: figures,
    resources: [{ resource: 'pods', ...figures }],
    namespaces: [{ namespace: '', ...figures }],
    largest: [{ key: `/registry/pods/${'x'.repeat(1009)}`, bytes: 2 ** 33 }],
    mostRevised: [{ key: '\u0000\u001b[2J\u202e\udcff', revisions: 3 }],
  };
  const manifest = sampleManifest({ usage });
  assert.deepEqual(parseManifest(formatManifest(manifest)), { ok: true, value: manifest });
});

test('what need not be known may be missing', () => {
  const { hashKV: _hash, node: _node, ...manifest } = sampleManifest();
  assert.deepEqual(parseManifest(formatManifest(manifest)), { ok: true, value: manifest });
});

test('the text is for people too: indented, with a line feed at the end', () => {
  const text = formatManifest(sampleManifest());
  assert.match(text, /^\{\n {2}"format": 1,\n/);
  assert.ok(text.endsWith('}\n'));
});

test('fields of a later version are no problem', () => {
  const text = JSON.stringify({ ...sampleManifest(), drilledAt: '2027-01-01T00:00:00Z' });
  assert.deepEqual(parseManifest(text), { ok: true, value: sampleManifest() });
});

/** The sample with the field at `path` set to `value`, or left out. */
function changed(path: string, value?: unknown): string {
  const manifest: Record<string, unknown> = { ...sampleManifest() };
  const [first = '', second] = path.split('.');
  if (second === undefined) manifest[first] = value;
  else manifest[first] = { ...Object(manifest[first]), [second]: value };
  return JSON.stringify(manifest);
}

const BROKEN: [path: string, value: unknown, problem: string][] = [
  ['format', 2, '"format" is not 1'],
  ['format', '1', '"format" is not 1'],
  ['format', undefined, '"format" is missing'],
  ['name', 5, '"name" is not a text'],
  ['cluster', undefined, '"cluster" is not an object'],
  ['cluster', ['a'], '"cluster" is not an object'],
  ['cluster.id', 12, '"cluster.id" is not a text'],
  ['cluster.name', undefined, '"cluster.name" is missing'],
  ['member.id', null, '"member.id" is not a text'],
  ['etcdVersion', 3.6, '"etcdVersion" is not a text'],
  ['revision', '4711', '"revision" is not a whole number of at least 0'],
  ['revision', -1, '"revision" is not a whole number of at least 0'],
  ['revision', 1.5, '"revision" is not a whole number of at least 0'],
  ['revision', 2 ** 53, '"revision" is not a whole number of at least 0'],
  ['raftTerm', null, '"raftTerm" is not a whole number of at least 0'],
  ['raftAppliedIndex', undefined, '"raftAppliedIndex" is missing'],
  ['startedAt', 'yesterday', '"startedAt" is not a time in UTC'],
  ['startedAt', '2026-03-05T02:15:00+01:00', '"startedAt" is not a time in UTC'],
  ['finishedAt', '2026-13-05T02:15:00Z', '"finishedAt" is not a time in UTC'],
  ['raw.size', -5, '"raw.size" is not a whole number of at least 0'],
  ['raw.sha256', 'A'.repeat(64), '"raw.sha256" is not a SHA-256 in hex'],
  ['stored.size', '5', '"stored.size" is not a whole number of at least 0'],
  ['stored.sha256', 'b'.repeat(63), '"stored.sha256" is not a SHA-256 in hex'],
  ['compression', 'lz4', '"compression" is not none or zstd or gzip'],
  ['encryption', null, '"encryption" is not an object'],
  ['encryption.recipients', 'age1x', '"encryption.recipients" is not a list of texts'],
  ['keys', undefined, '"keys" is missing'],
  ['hashKV', null, '"hashKV" is not an object'],
  ['hashKV.compactRevision', -2, '"hashKV.compactRevision" is not a whole number of at least -1'],
  ['node', 7, '"node" is not a text'],
  ['problems', [1], '"problems" is not a list of texts'],
  ['createdBy.name', 'another', '"createdBy.name" is not etcd-upkeep'],
];

for (const [path, value, problem] of BROKEN) {
  test(`${path} = ${JSON.stringify(value)}`, () => {
    assert.deepEqual(parseManifest(changed(path, value)), { ok: false, problem });
  });
}

test('text that is no JSON object', () => {
  const cut = formatManifest(sampleManifest()).slice(0, 100);
  for (const text of ['', 'bytes', cut, '\0\0\0']) {
    assert.deepEqual(parseManifest(text), { ok: false, problem: 'it is not JSON' });
  }
  for (const text of ['null', '[]', '"text"', '1']) {
    assert.deepEqual(parseManifest(text), { ok: false, problem: 'it is not a JSON object' });
  }
});

test('names from Object.prototype are not fields', () => {
  const { name: _name, ...rest } = sampleManifest();
  const text = JSON.stringify(rest).replace('{', '{"__proto__":{"name":"20260305T021500Z-4711.db.zst"},');
  assert.deepEqual(parseManifest(text), { ok: false, problem: '"name" is missing' });
});

test('a compression that this version cannot read is one all the same', () => {
  const compression = 'gzip';
  assert.deepEqual(parseManifest(changed('compression', compression)), {
    ok: true,
    value: sampleManifest({ compression }),
  });
});

describe('what somebody made larger than any run would', () => {
  const long = 'x'.repeat(MAX_TEXT + 1);
  const TOO_LARGE: [path: string, value: unknown, problem: string][] = [
    ['name', long, '"name" is not a text of at most 1024 characters'],
    ['cluster.name', long, '"cluster.name" is not a text of at most 1024 characters'],
    ['cluster.id', 'f'.repeat(17), '"cluster.id" is not an ID of etcd in hex'],
    ['member.id', '', '"member.id" is not an ID of etcd in hex'],
    ['member.name', long, '"member.name" is not a text of at most 1024 characters'],
    ['node', long, '"node" is not a text of at most 1024 characters'],
    ['problems', [long], '"problems" is not a list of texts of at most 1024 characters'],
    ['problems', Array.from({ length: 101 }, () => 'x'), '"problems" is not a list of at most 100 texts'],
    [
      'encryption.recipients',
      Array.from({ length: 5000 }, () => 'x'),
      '"encryption.recipients" is not a list of at most 4096 texts',
    ],
    ['startedAt', `2026-03-05T02:15:00.${'0'.repeat(500)}Z`, '"startedAt" is not a time in UTC'],
    ['startedAt', '2026-02-30T02:15:00Z', '"startedAt" is not a time in UTC'],
    ['keys', 1e308, '"keys" is not a whole number of at least 0'],
    ['raw.size', 2 ** 53, '"raw.size" is not a whole number of at least 0'],
  ];
  for (const [path, value, problem] of TOO_LARGE) {
    test(`${path}: ${problem}`, () => {
      assert.deepEqual(parseManifest(changed(path, value)), { ok: false, problem });
    });
  }

  test('by mistake is cut where it is written: a run reads what a run wrote', () => {
    const manifest = sampleManifest({
      member: { id: '1', name: long },
      etcdVersion: long,
      node: long,
      problems: Array.from({ length: 300 }, () => long),
    });
    const read = parseManifest(formatManifest(manifest));
    assert.ok(read.ok, JSON.stringify(read));
    const { member, node, problems } = read.value;
    assert.deepEqual([member.name.length, node?.length, problems.length], [MAX_TEXT, MAX_TEXT, 100]);
    assert.match(member.name, /x\.\.\.$/);
  });

  test('and so is what fills the database, whatever keys somebody wrote', () => {
    const figures = { keys: 1, revisions: 1, liveBytes: 2 ** 49, historyBytes: 2 ** 49 };
    const sixty = Array.from({ length: 60 }, (_, at) => at);
    for (const sign of ['x', '\u0000', '\udcff', 'ü', '✓', '😀']) {
      const name = (at: number): string => `${at}${sign.repeat(2000)}`;
      const usage = {
        total: figures,
        resources: sixty.map((at) => ({ resource: name(at), ...figures })),
        namespaces: sixty.map((at) => ({ namespace: name(at), ...figures })),
        largest: sixty.map((at) => ({ key: name(at), bytes: at })),
        mostRevised: sixty.map((at) => ({ key: name(at), revisions: at })),
      };
      const text = formatManifest(sampleManifest({ usage }));
      assert.ok(Buffer.byteLength(text) < 2 ** 18, `${Buffer.byteLength(text)} bytes`);
      const read = parseManifest(text);
      assert.ok(read.ok, JSON.stringify(read));
      const { resources = [], namespaces = [], largest = [], mostRevised = [] } = read.value.usage ?? {};
      assert.deepEqual([resources.length, namespaces.length], [51, 51]);
      assert.deepEqual([largest.length, mostRevised.length], [50, 50]);
      assert.deepEqual(resources.at(-1), { resource: 'other', ...sumOf(sixty.slice(50).map(() => figures)) });
      assert.equal(largest[0]?.key.slice(0, 150), name(0).slice(0, 150));
    }
  });

  test('and nested deeper than any stack is not JSON of ours', () => {
    const deep = '['.repeat(500_000);
    assert.deepEqual(parseManifest(deep), { ok: false, problem: 'it is not JSON' });
    const nested = `{"problems": ${deep}${']'.repeat(500_000)}}`;
    assert.equal(parseManifest(nested).ok, false);
  });
});
