import { abortable } from '../util/abortable.ts';
import { readManifest, recover } from '../backup/recover.ts';
import type { CatalogEntry } from '../backup/catalog.ts';
import { loadRecoverySettings, type RecoverySettings } from '../config/config.ts';
import { Failure } from '../errors.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { type OpenRepository, openRepository, pick } from './repository.ts';
import { tellProgress } from './progress.ts';
import { json, sizeText, table } from '../util/format.ts';

interface Verified {
  name: string;
  whole: boolean;
  /** why it is not */
  problem?: string;
  rawBytes?: number;
  storedBytes?: number;
  seconds: number;
}

/** Reads backups back and tells which of them are whole. @returns the exit code */
export async function verifyBackups(
  { which, json: asJson }: InvocationOf<'verify'>,
  surroundings: CommandContext,
): Promise<number> {
  const { env, print, note, signal } = surroundings;
  const settings = loadRecoverySettings(env);
  const repository = await openRepository(settings, signal);
  const verified: Verified[] = [];
  const chosen = which === 'all' ? repository.entries : [pick(repository, which, note)];
  for (const entry of chosen) {
    verified.push(await verify(repository, entry, settings, surroundings));
  }
  const { store, cluster } = repository;
  print(
    asJson
      ? json({ store: store.location, cluster, backups: verified })
      : table([HEAD, ...verified.map(rowOf)]),
  );
  const failed = verified.filter(({ whole }) => !whole);
  if (failed.length === 0) return 0;
  throw new Failure(
    'backup',
    `${failed.length} of ${verified.length} backups cannot be used; make a new one, and look at what damaged them`,
  );
}

async function verify(
  repository: OpenRepository,
  entry: CatalogEntry,
  { identities }: RecoverySettings,
  surroundings: CommandContext,
): Promise<Verified> {
  const { signal } = surroundings;
  const began = performance.now();
  const seconds = (): number => Math.round(performance.now() - began) / 1000;
  try {
    const manifest = await abortable(readManifest(repository, entry), signal);
    const onRead = tellProgress(manifest, surroundings);
    await recover({ store: repository.store, manifest, identities, signal, onRead });
    const { raw, stored } = manifest;
    return {
      name: entry.name,
      whole: true,
      rawBytes: raw.size,
      storedBytes: stored.size,
      seconds: seconds(),
    };
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'backup') throw error;
    return { name: entry.name, whole: false, problem: error.message, seconds: seconds() };
  }
}

const HEAD = ['NAME', 'STORED', 'RAW', 'TOOK', 'WHOLE'];

const rowOf = (backup: Verified): string[] => [
  backup.name,
  backup.storedBytes === undefined ? '-' : sizeText(backup.storedBytes),
  backup.rawBytes === undefined ? '-' : sizeText(backup.rawBytes),
  `${backup.seconds.toFixed(1)} s`,
  backup.whole ? 'yes' : `no: ${backup.problem}`,
];
