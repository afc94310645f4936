import assert from 'node:assert/strict';
import type { Report } from '../../src/run/report.ts';
import type { Cluster } from '../support/etcd-cluster.ts';
import { type JobResult, runJob } from '../support/run-job.ts';
import { reportOf } from '../support/run-report.ts';
import { type Bench, say } from './context.ts';
import { mebibytes } from './rows.ts';
import type { BenchStore } from './stores.ts';

const TIMEOUT_MS = 600_000;

/** What a process cost from its start to its end. */
export type Cost = Pick<JobResult, 'seconds' | 'processorSeconds' | 'peakRssBytes'>;

export type JobRun = Cost & { report: Report };

/** A whole run. The backup stays in the store. */
export async function runOfTheJob(
  cluster: Cluster,
  store: BenchStore,
  env: Record<string, string> = {},
): Promise<JobRun> {
  const result = await runJob(
    { ...cluster.env, ...store.env, COMPACTION_RETENTION: '100', ...env },
    { timeoutMs: TIMEOUT_MS },
  );
  assert.equal(result.code, 0, result.stdout);
  return { ...costOf(result), report: reportOf(result) };
}

const costOf = ({ seconds, processorSeconds, peakRssBytes }: Cost): Cost => ({
  seconds,
  processorSeconds,
  peakRssBytes,
});

/** How backups are stored. */
export type Way = 'none' | 'zstd' | 'none and age' | 'zstd and age';
export const WAYS: readonly Way[] = ['none', 'none and age', 'zstd', 'zstd and age'];

function settingsOf(way: Way, { key }: Bench): Record<string, string> {
  const [compression = '', age] = way.split(' and ');
  return { BACKUP_COMPRESSION: compression, ...(age && { BACKUP_AGE_RECIPIENTS: key.recipient }) };
}

export interface BackupRun {
  /** The stream until it is durable, proved by etcd's checksum; the process's start and reading back are not in it. */
  seconds: number;
  /** That it reads the backup back. */
  readBackSeconds: number;
  rawBytes: number;
  /** The backup's. */
  name: string;
  peakRssBytes: number | undefined;
  /** Of all of it, with its start and reading back. */
  whole: Cost;
}

/** A run that does nothing but back up. The backup stays in the store. */
export async function backUp(
  bench: Bench,
  cluster: Cluster,
  store: BenchStore,
  way: Way,
  env: Record<string, string> = {},
): Promise<BackupRun> {
  const { report, ...whole } = await runOfTheJob(cluster, store, {
    ...settingsOf(way, bench),
    COMPACTION_ENABLED: 'false',
    DEFRAG_ENABLED: 'false',
    ...env,
  });
  assert.ok(report.backup, 'there is a backup');
  const { streamSeconds, readBackSeconds, rawBytes, name } = report.backup;
  const { peakRssBytes, processorSeconds = Number.NaN } = whole;
  say(
    `${store.name}, ${way}: ${streamSeconds.toFixed(2)} s, read back in ${readBackSeconds.toFixed(2)} s, ` +
      `${whole.seconds.toFixed(2)} s in all, ${processorSeconds.toFixed(2)} s of the processors, peak ${mebibytes(peakRssBytes)}`,
  );
  return { seconds: streamSeconds, readBackSeconds, rawBytes, name, peakRssBytes, whole };
}

/** Runs a command on the store to its end; its standard output, and what it cost. */
export async function storeCommand(
  store: BenchStore,
  args: string[],
  env: Record<string, string> = {},
): Promise<Cost & { stdout: string }> {
  const result = await runJob({ ...store.env, ...env }, { args, timeoutMs: TIMEOUT_MS });
  assert.equal(result.code, 0, result.stderr);
  return result;
}
