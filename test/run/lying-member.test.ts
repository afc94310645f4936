import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, beforeEach, describe, test } from 'node:test';
import { boltFile, withChecksum } from '../support/bolt-file.ts';
import type { Answering } from '../support/call-proxy.ts';
import { type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { frames, type SnapshotMessage } from '../support/snapshot-frames.ts';
import { filesBelow, onlyBackup } from '../support/stored-backup.ts';

const MIB = 2 ** 20;
/** What a run of a small cluster needs, and some: endless answers took gigabytes. */
const MAX_RSS = 220 * MIB;
const SNAPSHOT = 'Maintenance/Snapshot';
const STATUS = 'Maintenance/Status';
const OK = { 'grpc-status': '0' };

/** Begins an answer of gRPC. */
function begin(stream: ServerHttp2Stream, trailers: Record<string, string> = OK): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('error', () => undefined); // whoever is lied to hangs up
}

const answering =
  (...messages: SnapshotMessage[]): Answering =>
  (stream) => {
    begin(stream);
    stream.end(frames(...messages));
  };

/** The same bytes for ever, as fast as they are taken. */
const endless =
  (first: Buffer, again: Buffer, told = { bytes: 0 }): Answering =>
  (stream) => {
    begin(stream);
    const more = (): void => {
      while (!stream.destroyed) {
        told.bytes += again.length;
        if (!stream.write(again)) break;
      }
    };
    stream.on('drain', more);
    stream.write(first);
    more();
  };

/** The same bytes for ever, one piece each so many milliseconds. */
const dripping =
  (first: Buffer, again: Buffer, ms: number): Answering =>
  async (stream) => {
    begin(stream);
    stream.write(first);
    while (!stream.destroyed) {
      await sleep(ms);
      if (!stream.destroyed) stream.write(again);
    }
  };

const zeros = withChecksum(Buffer.alloc(512));
/** As large as an empty etcd 3.6, and whole by its own checksum. */
const database = boltFile({ pages: 16, pageBytes: 4096 });
const blob = (bytes: Buffer, remaining = 0): SnapshotMessage => ({ remaining_bytes: remaining, blob: bytes });
const trailer = (file: Buffer): SnapshotMessage => blob(withChecksum(file).subarray(-32));

describe('a member whose snapshot is none', () => {
  let place: ProxiedCluster;

  before(async () => {
    place = await startProxiedCluster();
  });
  beforeEach(() => place.proxies.forEach((proxy) => proxy.reset()));
  after(() => place[Symbol.asyncDispose]());

  /** Runs the job against the only member, which lies; what it says of its backup, and how long that took. */
  async function refused(env: Record<string, string> = {}) {
    const result = await runJob(place.env({ BACKUP_COMPRESSION: 'none', ...env }), { timeoutMs: 60_000 });
    const report = assertRunEnded(result, 4, 'failed');
    assertSteps(report, {
      backup: ['failed', /Nothing was changed/],
      compact: 'skipped',
      defragment: 'skipped',
    });
    assert.deepEqual(await filesBelow(place.store), []);
    assert.ok((result.peakRssBytes ?? 0) < MAX_RSS, `${result.peakRssBytes} bytes`);
    const { reason, durationMs } = report.steps.backup;
    return { reason, durationMs };
  }

  const rows: [name: string, lie: Answering, why: RegExp][] = [
    [
      'zeros that fit their checksum',
      answering(blob(Buffer.alloc(512)), blob(zeros.subarray(-32))),
      /announced with 512 bytes, and right before that the member told of a database of \d+/,
    ],
    [
      'as many zeros as it has, that fit their checksum',
      answering(blob(Buffer.alloc(2 * MIB)), trailer(Buffer.alloc(2 * MIB))),
      /no database of etcd's: a meta page does not begin with bbolt's magic number/,
    ],
    [
      '100 MiB announced and less sent',
      answering(blob(database, 100 * MIB - database.length), trailer(database)),
      /ends after 65536 of the 104857600 bytes that were announced/,
    ],
    [
      'a part of the database that fits its checksum',
      answering(blob(database.subarray(0, 15 * 4096)), trailer(database.subarray(0, 15 * 4096))),
      /not whole \(it has 61440 bytes, and its database says 65536\)/,
    ],
    [
      'more announced than the member ever had',
      answering(blob(database, 2 ** 40), trailer(database)),
      /announced with 1099511693312 bytes, and right before that the member told of/,
    ],
    ['nothing announced and nothing sent', answering(blob(Buffer.alloc(0))), /ended before its first byte/],
    [
      'a number of bytes that is below zero',
      answering({ remaining_bytes: '18446744073709551615', blob: database }, trailer(database)),
      /bytes are announced in the snapshot stream/,
    ],
    // Node drops a header that is larger than what we announce to take.
    ['an error in 60 KiB of words', refusing('why '.repeat(15_000)), /failed: no reason given/],
    ['headers before the answer without end', (stream) => void informing(stream), /ENHANCE_YOUR_CALM/],
  ];
  for (const [name, lie, why] of rows) {
    test(`is refused: ${name}`, async () => {
      place.before(SNAPSHOT, () => lie);
      const { reason } = await refused();
      assert.match(reason, why);
      assert.equal(reason.match(/once more, from/g)?.length, 1, 'it was asked twice');
    });
  }

  test('is cut off when it goes on after what it announced, and the store never gets more', async () => {
    const told = { bytes: 0 };
    const first = frames(blob(database, MIB - database.length));
    place.before(SNAPSHOT, () => endless(first, frames(blob(Buffer.alloc(32_768))), told));
    const { reason } = await refused();
    assert.match(reason, /goes on after the 1048576 bytes that were announced/);
    assert.ok(told.bytes < 2 * 16 * MIB, `${told.bytes} bytes in two tries`);
  });

  const slow: [name: string, lie: Answering][] = [
    ['empty messages for ever', endless(Buffer.alloc(0), Buffer.alloc(5 * 3_000))],
    ['another field for ever', endless(Buffer.alloc(0), frames({ version: '3.6.0'.repeat(20) }))],
    ['one byte at a time', dripping(frames(blob(database, MIB)), frames(blob(Buffer.alloc(1))), 200)],
    ['nothing but pings', (stream) => void pinging(stream)],
  ];
  for (const [name, lie] of slow) {
    test(`is given up in time: ${name}`, async () => {
      place.before(SNAPSHOT, () => lie);
      const { reason, durationMs } = await refused({ BACKUP_TIMEOUT: '3s' });
      assert.match(reason, /longer than BACKUP_TIMEOUT \(3 s\)/);
      assert.ok(durationMs >= 3_000 && durationMs < 20_000, `${durationMs} ms`);
    });
  }

  /** Only the Status that comes on the snapshot's own connection is lied to: grpc-js names itself. */
  const lieAboutStatus = (lie: Answering): void =>
    place.before(STATUS, (_name, _request, headers) =>
      headers['user-agent'] === undefined ? lie : undefined,
    );

  test('is refused when its status has no end', async () => {
    lieAboutStatus(endless(Buffer.alloc(5), Buffer.alloc(65_536)));
    const { reason } = await refused();
    assert.match(reason, /its status has more than 65536 bytes/);
  });

  test('is refused when its status is noise', async () => {
    lieAboutStatus((stream) => {
      begin(stream);
      stream.end(Buffer.alloc(99, 0xff));
    });
    assert.match((await refused()).reason, /its status cannot be read/);
  });

  for (const [name, lie] of [
    ['does not come', () => undefined],
    ['comes in drops', dripping(Buffer.alloc(5), Buffer.alloc(1), 100)],
  ] satisfies [string, Answering][]) {
    test(`is given up within ETCDCTL_COMMAND_TIMEOUT when its status ${name}`, async () => {
      lieAboutStatus(lie);
      const { reason, durationMs } = await refused({ ETCDCTL_COMMAND_TIMEOUT: '1s' });
      assert.match(reason, /no status within 1 s.*once more, .*no status within 1 s/);
      assert.ok(durationMs < 20_000, `${durationMs} ms`);
    });

    test(`is given up within BACKUP_TIMEOUT when its status ${name}`, async () => {
      lieAboutStatus(lie);
      const { reason, durationMs } = await refused({ ETCDCTL_COMMAND_TIMEOUT: '40s', BACKUP_TIMEOUT: '2s' });
      assert.match(reason, /longer than BACKUP_TIMEOUT \(2 s\)/);
      assert.ok(durationMs < 20_000, `${durationMs} ms`);
    });
  }

  test('is believed when it was defragmented after it told of its size', async () => {
    let defragmented = false;
    await place.cluster.etcdctl('compact', '1').catch(() => undefined); // nothing to compact yet is as good
    place.before(SNAPSHOT, async () => {
      defragmented = true;
      await place.cluster.etcdctl('defrag');
    });
    const { cluster } = place;
    await cluster.etcdctlWithInput('x'.repeat(MIB), 'put', 'large');
    await cluster.etcdctl('del', 'large');
    const { revision } = await cluster.member(0).status();
    await cluster.etcdctl('compact', String(revision), '--physical');
    const told = (await cluster.member(0).status()).dbSize;
    const result = await runJob(place.env({ COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' }));
    const report = assertRunEnded(result, 0, 'nothing-needed');
    assert.ok(defragmented);
    assert.deepEqual(report.warnings, []);
    const { manifest } = await onlyBackup(place.store);
    assert.ok(manifest.raw.size < told, `${manifest.raw.size} of ${told} bytes`);
  });
});

function refusing(words: string): Answering {
  return (stream) => {
    begin(stream, { 'grpc-status': '2', 'grpc-message': words });
    stream.end();
  };
}

async function pinging(stream: ServerHttp2Stream): Promise<void> {
  begin(stream);
  while (!stream.destroyed) {
    stream.session?.ping(() => undefined);
    await sleep(1);
  }
}

async function informing(stream: ServerHttp2Stream): Promise<void> {
  stream.on('error', () => undefined);
  while (!stream.destroyed) {
    stream.additionalHeaders({ ':status': 103, 'x-more': 'x'.repeat(10_000) });
    await new Promise(setImmediate);
  }
}

test('one of three members that sends what is no database costs a warning, and the next one is backed up', async () => {
  await using place = await startProxiedCluster({ size: 3 });
  const asked: string[] = [];
  place.before(SNAPSHOT, (name) => {
    asked.push(name);
    return asked.length === 1
      ? answering(blob(Buffer.alloc(2 * MIB)), trailer(Buffer.alloc(2 * MIB)))
      : undefined;
  });
  const result = await runJob(place.env({ COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' }));
  const report = assertRunEnded(result, 0, 'nothing-needed');
  assert.equal(asked.length, 2);
  assert.match(
    report.warnings.join(),
    new RegExp(`of ${asked[0]} .* no database of etcd's.*, from ${asked[1]} `),
  );
  assert.equal((await onlyBackup(place.store)).manifest.member.name, asked[1]);
});

test('a secret that a member repeats is not in the manifest, which lies where others read', async () => {
  await using place = await startProxiedCluster({ size: 3 });
  const secret = 'kf83-hq02-zz71';
  place.before(STATUS, (name) =>
    name === 'm2' ? { code: 14, message: `no such user with ${secret}` } : undefined,
  );
  const env = place.env({ AWS_SECRET_ACCESS_KEY: secret, ETCDCTL_COMMAND_TIMEOUT: '3s' });
  assertRunEnded(await runJob(env), 5, 'partial');
  const { problems } = (await onlyBackup(place.store)).manifest;
  assert.match(problems.join(), /m2 .*no such user with \*\*\*/);
});
