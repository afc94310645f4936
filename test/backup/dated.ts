import assert from 'node:assert/strict';
import type { CatalogEntry } from '../../src/backup/catalog.ts';
import { backupName, parseBackupName } from '../../src/backup/names.ts';
import { selectForRemoval } from '../../src/backup/retention.ts';
import type { KeepPolicy } from '../../src/config/config.ts';

export const DAY_MS = 24 * 60 * 60 * 1000;
export const NONE: KeepPolicy = { last: 0, daily: 0, weekly: 0, monthly: 0 };
let revisions = 0;

/** A backup of this time (`YYYY-MM-DD`, or with `THH:MM` behind it). */
export function backup(time: string, revision = ++revisions): CatalogEntry {
  const at = new Date(time.includes('T') ? `${time}:00Z` : `${time}T11:00:00Z`);
  const name = backupName({ at, revision, compression: 'zstd' });
  const named = parseBackupName(name);
  assert.ok(named);
  return { name, ...named, storedSize: 5, hasManifest: true };
}

export function daysUpTo(last: string, count: number): CatalogEntry[] {
  const end = Date.parse(`${last}T11:00:00Z`);
  return Array.from({ length: count }, (_, age) =>
    backup(new Date(end - age * DAY_MS).toISOString().slice(0, 16)),
  ).toReversed();
}

/** What the rules do, by name where it is not to be removed. */
export function select(
  backups: readonly CatalogEntry[],
  keep: Partial<KeepPolicy>,
  { now, own = '' }: { now: Date; own?: string },
) {
  const retention = { keep: { ...NONE, ...keep }, now, own };
  const { remove, counted, future } = selectForRemoval(backups, retention);
  const kept = backups.filter((one) => !remove.includes(one));
  return { remove, kept, counted: namesOf([...counted]), future: namesOf(future) };
}

export const namesOf = (backups: readonly { name: string }[]): string[] =>
  backups.map(({ name }) => name).toSorted();

export const times = (backups: readonly { name: string }[]) =>
  backups
    .map(({ name }) => name)
    .toSorted()
    .map((name) => parseBackupName(name)?.at.toISOString().slice(0, 16));

/** The times of what is kept, oldest first. */
export function keptOf(
  backups: CatalogEntry[],
  keep: Partial<KeepPolicy>,
  now = '2030-01-01T00:00',
): (string | undefined)[] {
  return times(select(backups, keep, { now: new Date(`${now}:00Z`) }).kept);
}
