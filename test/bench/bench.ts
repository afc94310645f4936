import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sizeBytes } from '../../src/config/units.ts';
import type { Report } from '../../src/report.ts';
import { type Cluster, startCluster } from '../support/etcd.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/job.ts';
import { scratchFolder } from '../support/scratch.ts';
import { etcdctl, REPOSITORY } from '../support/tools.ts';
import { reportOf } from '../support/report.ts';
import { command, firstCallMs, median, seconds } from './measure.ts';

/**
 * Compares the job with the tools that it replaces, in turn on the same databases in the same minutes: only the ratios
 * mean anything. `npm run bench -- --size 1Gi --large 2Gi --runs 3`
 */

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1Gi' },
    large: { type: 'string', default: '2Gi' },
    night: { type: 'string', default: '400Mi' },
    runs: { type: 'string', default: '3' },
  },
});
const RUNS = Number(values.runs);
const OBJECT_BYTES = 10_000;
const LIVE_OBJECTS = 2_000;

const ctl = await etcdctl();
await using disk = await scratchFolder('bench', '/var/tmp');
const rows: string[][] = [];

console.log(
  `${cpus().length} x ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`,
);

{
  say(`Filling one member with ${values.size}`);
  await using cluster = await databaseOf(values.size);
  const ours: number[] = [];
  const theirs: number[] = [];
  const oursZstd: number[] = [];
  const theirsZstd: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    ours.push((await backup(cluster, 'none')).seconds);
    theirs.push(await seconds(() => save(cluster)));
    say(`etcdctl: ${theirs.at(-1)?.toFixed(2)} s`);
    oursZstd.push((await backup(cluster, 'zstd')).seconds);
    theirsZstd.push(
      await seconds(async () => {
        await save(cluster);
        await command('zstd', ['-3', '-q', '-f', join(disk.path, 'peer.db')]);
      }),
    );
  }
  compare(`proved backup of ${values.size} to disk, against \`etcdctl snapshot save\``, ours, theirs);
  compare('the same with zstd, against `etcdctl snapshot save` and `zstd -3`', oursZstd, theirsZstd);
}
{
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    say(`Filling three members with ${values.night}, for one night each`);
    ours.push(await nightSeconds(async (cluster) => void (await job(cluster, { DEFRAG_WAIT: '0s' }))));
    theirs.push(await nightSeconds(byHand));
  }
  compare(
    `the whole night on three members with ${values.night}, against etcdctl, zstd and \`etcdctl defrag\``,
    ours,
    theirs,
  );
}
for (const size of ['64Mi', values.large]) {
  say(`Filling one member with ${size}`);
  await using cluster = await databaseOf(size);
  for (const compression of ['none', 'zstd'] as const) {
    const { peakRssBytes } = await backup(cluster, compression);
    rows.push([`peak memory, ${size}, TLS, ${compression}`, mebibytes(peakRssBytes), '', '']);
  }
}
for (const [how, cache] of [
  ['as `node src/main.ts`', undefined],
  ['as `npm start` and the image do it', join(REPOSITORY, '.cache/compile')],
] as const) {
  await firstCallMs(cache, 'to the end'); // fills the cache of compiled sources, which is written when a process ends
  const starts: number[] = [];
  for (let run = 0; run < 10; run += 1) starts.push(await firstCallMs(cache));
  rows.push([`start to first call, ${how}`, `${Math.round(median(starts))} ms`, '', '']);
}

console.log('\n| what | etcd-upkeep | the others | ratio |\n|---|---|---|---|');
for (const row of rows) console.log(`| ${row.join(' | ')} |`);

function say(text: string): void {
  console.error(`== ${text}`);
}

function compare(what: string, ours: readonly number[], theirs: readonly number[]): void {
  const ratios = ours.map((value, index) => value / (theirs[index] ?? Number.NaN));
  rows.push([
    what,
    `${median(ours).toFixed(2)} s`,
    `${median(theirs).toFixed(2)} s`,
    median(ratios).toFixed(2),
  ]);
}

/** A member whose file has about that size, most of it history. */
async function databaseOf(size: string, members = 1): Promise<Cluster> {
  const cluster = await startCluster({
    size: members,
    tls: true,
    quotaBytes: 16 * 2 ** 30,
    dataDir: disk.path,
  });
  const overwrites = Math.max(1, Math.round(sizeBytes(size) / (LIVE_OBJECTS * OBJECT_BYTES)) - 1);
  await fill(cluster, { keys: LIVE_OBJECTS, valueBytes: OBJECT_BYTES, overwrites, compressible: true });
  return cluster;
}

async function job(
  cluster: Cluster,
  env: Record<string, string>,
): Promise<{ report: Report; peakRssBytes: number | undefined }> {
  const store = join(disk.path, 'store');
  const result = await runJob(
    { ...cluster.env, BACKUP_STORE: `file://${store}`, COMPACTION_RETENTION: '100', ...env },
    { timeoutMs: 600_000 },
  );
  assert.equal(result.code, 0, result.stdout);
  await rm(store, { recursive: true });
  return { report: reportOf(result), peakRssBytes: result.peakRssBytes };
}

/** The stream until it is durable, proved by etcd's checksum. Reading it back is not a part of the comparison. */
async function backup(cluster: Cluster, compression: 'none' | 'zstd') {
  const { report, peakRssBytes } = await job(cluster, {
    BACKUP_COMPRESSION: compression,
    COMPACTION_ENABLED: 'false',
    DEFRAG_ENABLED: 'false',
  });
  const { streamSeconds = Number.NaN, readBackSeconds } = report.backup ?? {};
  say(
    `${compression}: ${streamSeconds.toFixed(2)} s, read back in ${readBackSeconds?.toFixed(2)} s, peak ${mebibytes(peakRssBytes)}`,
  );
  return { seconds: streamSeconds, peakRssBytes };
}

async function save(cluster: Cluster): Promise<void> {
  const file = join(disk.path, 'peer.db');
  await rm(file, { force: true });
  await command(
    ctl,
    ['snapshot', 'save', file, '--endpoints', cluster.members[0]?.clientUrl ?? ''],
    tlsOf(cluster),
  );
}

function tlsOf({ env }: Cluster): Record<string, string> {
  const { ETCDCTL_ENDPOINTS: _unused, ...rest } = env;
  return rest;
}

async function nightSeconds(night: (cluster: Cluster) => Promise<void>): Promise<number> {
  await using cluster = await databaseOf(values.night, 3);
  return await seconds(() => night(cluster)); // the cluster ends with this scope
}

/** What an operator's script does: save, compress, compact, defragment one member after another. */
async function byHand(cluster: Cluster): Promise<void> {
  await save(cluster);
  await command('zstd', ['-3', '-q', '-f', join(disk.path, 'peer.db')]);
  const [status] = await cluster.status();
  const revision = String(Math.max(1, (status?.revision ?? 0) - 100));
  await command(ctl, ['compact', '--physical', revision, '--command-timeout=60s'], cluster.env);
  for (const member of cluster.members) {
    await command(ctl, ['defrag', '--endpoints', member.clientUrl, '--command-timeout=60s'], tlsOf(cluster));
  }
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? 'not measured' : `${Math.round(bytes / 2 ** 20)} MiB`;
}
