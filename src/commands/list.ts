import { type CatalogEntry, incompleteBecause } from '../backup/catalog.ts';
import { readSizes, type Repository } from '../backup/read.ts';
import { loadStoreSettings } from '../config/config.ts';
import { isFailure } from '../errors.ts';
import { AT_ONCE, inParallel } from '../util/parallel.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { findRepository } from './repository.ts';
import { formatAge, formatBytes, formatTime } from '../util/format.ts';
import { formatJson, formatTable } from './output.ts';

/** So many of the newest manifests are looked into: a store of thousands must not cost thousands of requests. */
const MANIFESTS_READ = 50;

interface Listed {
  name: string;
  time: string;
  ageSeconds: number;
  revision: number;
  storedBytes?: number;
  /** missing where the manifest was not read, or cannot be */
  rawBytes?: number;
  compression: CatalogEntry['compression'];
  encrypted: boolean;
  /** both files are there and, where the manifest was read, fit together */
  complete: boolean;
  /** why it is not */
  problem?: string;
}

/** Shows what is in the store; an empty one is no failure. @returns the exit code */
export async function listBackups(
  { json }: InvocationOf<'list'>,
  { env, print, note, signal }: CommandContext,
): Promise<number> {
  const settings = loadStoreSettings(env);
  const found = await findRepository(settings, signal);
  if (found.kind === 'nothing') {
    note(`${found.why}\n`);
    if (json) print(formatJson({ backups: [] }));
    return 0;
  }
  const { repository } = found;
  const now = Date.now();
  const backups = repository.entries.map((entry) => describe(entry, now));
  await addRawSizes(repository, repository.entries.slice(0, MANIFESTS_READ), backups);
  if (json) {
    print(formatJson({ store: repository.store.location, cluster: repository.cluster, backups }));
    return 0;
  }
  note(`${backups.length} backups of ${repository.cluster} in ${repository.store.location}\n`);
  print(formatTable([HEAD, ...backups.map(rowOf)]));
  return 0;
}

function describe(entry: CatalogEntry, now: number): Listed {
  const { name, at, revision, storedSize, compression, encrypted } = entry;
  const problem = incompleteBecause(entry);
  return {
    name,
    time: at.toISOString(),
    ageSeconds: Math.floor((now - at.getTime()) / 1000),
    revision,
    ...(storedSize !== undefined && { storedBytes: storedSize }),
    compression,
    encrypted,
    complete: problem === undefined,
    ...(problem !== undefined && { problem }),
  };
}

async function addRawSizes(
  repository: Repository,
  entries: readonly CatalogEntry[],
  backups: Listed[],
): Promise<void> {
  await inParallel([...entries.entries()], AT_ONCE, async ([index, entry]) => {
    const backup = backups[index];
    if (backup?.complete) Object.assign(backup, await readRawSize(repository, entry));
  });
}

async function readRawSize(
  repository: Repository,
  entry: CatalogEntry,
): Promise<Pick<Listed, 'rawBytes' | 'complete' | 'problem'>> {
  try {
    const { rawSize } = await readSizes(repository, entry);
    return { complete: true, ...(rawSize !== undefined && { rawBytes: rawSize }) };
  } catch (error) {
    if (!isFailure(error, 'backup')) throw error;
    return { complete: false, problem: error.message };
  }
}

const HEAD = ['NAME', 'TIME (UTC)', 'AGE', 'REVISION', 'STORED', 'RAW', 'ENCRYPTED', 'COMPLETE'];

const rowOf = (backup: Listed): string[] => [
  backup.name,
  formatTime(new Date(backup.time)),
  formatAge(backup.ageSeconds),
  String(backup.revision),
  backup.storedBytes === undefined ? '-' : formatBytes(backup.storedBytes),
  backup.rawBytes === undefined ? '-' : formatBytes(backup.rawBytes),
  backup.encrypted ? 'yes' : 'no',
  backup.complete ? 'yes' : `no: ${backup.problem}`,
];
