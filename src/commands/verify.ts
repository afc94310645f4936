import { readBackup, readManifest } from '../backup/read.ts';
import type { CatalogEntry } from '../backup/catalog.ts';
import { loadRecoverySettings, type RecoverySettings } from '../config/config.ts';
import { Failure, isFailure } from '../errors.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { type ListedRepository, openRepository, pickBackup } from './repository.ts';
import { printProgress } from './progress.ts';
import { formatBytes, formatSeconds } from '../util/format.ts';
import { formatJson, formatTable } from './output.ts';

interface Verified {
  name: string;
  whole: boolean;
  /** why it is not */
  problem?: string;
  rawBytes?: number;
  storedBytes?: number;
  seconds: number;
}

/** Reads backups back and shows which of them are whole. @returns the exit code */
export async function verifyBackups(
  { which, json }: InvocationOf<'verify'>,
  context: CommandContext,
): Promise<number> {
  const { env, print, note, signal } = context;
  const settings = loadRecoverySettings(env);
  const repository = await openRepository(settings, signal);
  const verified: Verified[] = [];
  const chosen = which === 'all' ? repository.entries : [pickBackup(repository, which, note)];
  for (const entry of chosen) {
    verified.push(await verify(repository, entry, settings, context));
  }
  const { store, cluster } = repository;
  print(
    json
      ? formatJson({ store: store.location, cluster, backups: verified })
      : formatTable([HEAD, ...verified.map(rowOf)]),
  );
  const failed = verified.filter(({ whole }) => !whole);
  if (failed.length === 0) return 0;
  throw new Failure(
    'backup',
    `${failed.length} of ${verified.length} backups cannot be used; make a new one, and look at what damaged them`,
  );
}

async function verify(
  repository: ListedRepository,
  entry: CatalogEntry,
  { identities }: RecoverySettings,
  context: CommandContext,
): Promise<Verified> {
  const { signal } = context;
  const began = performance.now();
  const seconds = (): number => Math.round(performance.now() - began) / 1000;
  try {
    const manifest = await readManifest(repository, entry);
    const onRead = printProgress(manifest, context);
    await readBackup({ store: repository.store, manifest, identities, signal, onRead });
    const { raw, stored } = manifest;
    return {
      name: entry.name,
      whole: true,
      rawBytes: raw.size,
      storedBytes: stored.size,
      seconds: seconds(),
    };
  } catch (error) {
    if (!isFailure(error, 'backup')) throw error;
    return { name: entry.name, whole: false, problem: error.message, seconds: seconds() };
  }
}

const HEAD = ['NAME', 'STORED', 'RAW', 'TOOK', 'WHOLE'];

const rowOf = (backup: Verified): string[] => [
  backup.name,
  backup.storedBytes === undefined ? '-' : formatBytes(backup.storedBytes),
  backup.rawBytes === undefined ? '-' : formatBytes(backup.rawBytes),
  formatSeconds(backup.seconds),
  backup.whole ? 'yes' : `no: ${backup.problem}`,
];
