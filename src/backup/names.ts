import type { Compression } from '../config/backup.ts';

/** What a backup's file name says. */
export interface BackupName {
  /** When it was started, to the second. */
  at: Date;
  revision: number;
  /** `gzip` is known by name only: this version neither writes nor reads it. */
  compression: Compression | 'gzip';
  encrypted: boolean;
}

const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-(0|[1-9]\d*)\.db(\.zst|\.gz)?(\.age)?$/;
const MANIFEST_SUFFIX = '.json';

/** `<YYYYMMDDTHHMMSSZ>-<revision>.db[.zst][.age]`, the time in UTC with its fraction cut off. */
export function backupName(of: {
  at: Date;
  revision: number;
  compression: Compression;
  encrypted?: boolean;
}): string {
  const time = of.at.toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${of.revision}.db${of.compression === 'zstd' ? '.zst' : ''}${of.encrypted ? '.age' : ''}`;
}

/** Undefined for what is no backup's name, also when the pattern fits but there is no such date or revision. */
export function parseBackupName(name: string): BackupName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, revisionText, suffix, age] = match;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = new Date(iso);
  // Date takes 30 February for 1 March; the way back shows it.
  if (Number.isNaN(at.getTime()) || at.toISOString() !== iso) return undefined;
  const revision = Number(revisionText);
  if (!Number.isSafeInteger(revision)) return undefined;
  return { at, revision, compression: compressionOf(suffix), encrypted: age !== undefined };
}

function compressionOf(suffix: string | undefined): BackupName['compression'] {
  if (suffix === undefined) return 'none';
  return suffix === '.zst' ? 'zstd' : 'gzip';
}

/** The name of a backup's manifest. */
export function manifestName(name: string): string {
  return `${name}${MANIFEST_SUFFIX}`;
}

/** The backup whose manifest has this name; undefined for what is no manifest's name. */
export function backupOfManifest(name: string): string | undefined {
  if (!name.endsWith(MANIFEST_SUFFIX)) return undefined;
  const backup = name.slice(0, -MANIFEST_SUFFIX.length);
  return parseBackupName(backup) === undefined ? undefined : backup;
}

/** Whether a name is that of a backup's data or of its manifest. */
export function isBackupFile(name: string): boolean {
  return parseBackupName(name) !== undefined || backupOfManifest(name) !== undefined;
}
