import { type CatalogEntry, incompleteBecause } from '../backup/catalog.ts';
import { examine, type Examined, type Repository } from '../backup/examine.ts';
import { AHEAD, isAhead, newestOfEach, stretchesOf } from '../backup/latest.ts';
import { loadStoreSettings } from '../config/config.ts';
import { AT_ONCE, inParallel } from '../util/parallel.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { findRepository, severalClusters } from './repository.ts';
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
  /** missing where the manifest was not read, or cannot be */
  clusterId?: string;
  /** both files are there and, where the manifest was read, agree with each other, the name and the cluster */
  complete: boolean;
  /** why it is not; or why `latest` does not take it */
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
  const examined = await examineNewest(repository, repository.entries);
  for (const [index, one] of examined.entries()) Object.assign(backups[index] ?? {}, told(one));
  noteClusters(examined, repository.store.location, note);
  if (json) {
    print(formatJson({ store: repository.store.location, cluster: repository.cluster, backups }));
    return 0;
  }
  note(`${backups.length} backups of ${repository.cluster} in ${repository.store.location}\n`);
  if (backups.length > MANIFESTS_READ) note(`only the newest ${MANIFESTS_READ} were looked into\n`);
  print(formatTable([HEAD, ...backups.map(rowOf)]));
  return 0;
}

function describe(entry: CatalogEntry, now: number): Listed {
  const { name, at, revision, storedSize, compression, encrypted } = entry;
  const incomplete = incompleteBecause(entry);
  const problem = incomplete ?? (isAhead(entry, now) ? AHEAD : undefined);
  return {
    name,
    time: at.toISOString(),
    ageSeconds: Math.floor((now - at.getTime()) / 1000),
    revision,
    ...(storedSize !== undefined && { storedBytes: storedSize }),
    compression,
    encrypted,
    complete: incomplete === undefined,
    ...(problem !== undefined && { problem }),
  };
}

const examineNewest = (repository: Repository, entries: readonly CatalogEntry[]): Promise<Examined[]> =>
  inParallel(entries.slice(0, MANIFESTS_READ), AT_ONCE, (entry) => examine(repository, entry));

/** What the manifest adds. */
const told = (examined: Examined): Partial<Listed> =>
  examined.ok
    ? { rawBytes: examined.manifest.raw.size, clusterId: examined.manifest.cluster.id }
    : { complete: false, problem: examined.problem };

function noteClusters(examined: readonly Examined[], location: string, note: (text: string) => void): void {
  const stretches = stretchesOf(examined.flatMap((one) => (one.ok ? one : [])));
  const newest = newestOfEach(stretches);
  if (newest.length < stretches.length) note(`${severalClusters(newest, location)}\n`);
}

const HEAD = [
  'NAME',
  'TIME (UTC)',
  'AGE',
  'REVISION',
  'STORED',
  'RAW',
  'CLUSTER ID',
  'ENCRYPTED',
  'COMPLETE',
];

const rowOf = (backup: Listed): string[] => [
  backup.name,
  formatTime(new Date(backup.time)),
  formatAge(backup.ageSeconds),
  String(backup.revision),
  backup.storedBytes === undefined ? '-' : formatBytes(backup.storedBytes),
  backup.rawBytes === undefined ? '-' : formatBytes(backup.rawBytes),
  backup.clusterId ?? '-',
  backup.encrypted ? 'yes' : 'no',
  [backup.complete ? 'yes' : 'no', backup.problem].filter((part) => part !== undefined).join(': '),
];
