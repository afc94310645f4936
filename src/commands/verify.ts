import type { CatalogEntry } from '../backup/catalog.ts';
import { examine } from '../backup/examine.ts';
import { readBackup } from '../backup/read.ts';
import { STRUCTURE_NOT_CHECKED } from '../backup/structure.ts';
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
  /** whether the structure of the database is part of what was proved */
  structureChecked?: boolean;
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
  const isAll = which === 'all';
  const chosen = isAll ? repository.entries : [await pickBackup(repository, which, note)];
  let others = 0;
  for (const entry of chosen) {
    const one = await verify(repository, entry, settings, context);
    if (isAll && one.isOther) others += 1;
    else verified.push(one.verified);
  }
  if (others > 0) note(`${others} backups of other clusters than CLUSTER_ID names are left out\n`);
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

/** `isOther`: it is that of another cluster than `CLUSTER_ID` names, and nothing else is wrong with it. */
async function verify(
  repository: ListedRepository,
  entry: CatalogEntry,
  { identities, checkStructure }: RecoverySettings,
  context: CommandContext,
): Promise<{ verified: Verified; isOther: boolean }> {
  const { signal } = context;
  const { name } = entry;
  const began = performance.now();
  const seconds = (): number => Math.round(performance.now() - began) / 1000;
  const damaged = (problem: string): Verified => ({ name, whole: false, problem, seconds: seconds() });
  const examined = await examine(repository, entry);
  if (!examined.ok) return { verified: damaged(examined.problem), isOther: examined.fault === 'other-id' };
  const { manifest } = examined;
  const { raw, stored } = manifest;
  try {
    const onRead = printProgress(name, stored.size, context);
    const { store } = repository;
    const structure = await readBackup({ store, manifest, identities, signal, onRead, checkStructure });
    const structureChecked = structure !== undefined;
    if (checkStructure && !structureChecked) context.note(`${name}: ${STRUCTURE_NOT_CHECKED}\n`);
    const facts = { rawBytes: raw.size, storedBytes: stored.size, structureChecked };
    return { verified: { name, whole: true, ...facts, seconds: seconds() }, isOther: false };
  } catch (error) {
    if (!isFailure(error, 'backup')) throw error;
    return { verified: damaged(error.message), isOther: false };
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
