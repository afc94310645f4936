import { readRecipients } from './recipients.ts';
import { readStore, type StoreConfig } from './store.ts';
import type { Variables } from './variables.ts';

export const COMPRESSIONS = ['none', 'zstd'] as const;

/** How the snapshot's bytes are stored. `none` is the plain database file. */
export type Compression = (typeof COMPRESSIONS)[number];

/** How many backups to keep, in restic's meaning; all 0 keeps everything. */
export interface KeepPolicy {
  readonly last: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

export interface BackupConfig {
  readonly enabled: boolean;
  /** The operator has said in so many words that nothing needs to be backed up first. */
  readonly skipConfirmed: boolean;
  readonly store: StoreConfig;
  readonly compression: Compression;
  /** The database file's structure is part of the proof. */
  readonly checkStructure: boolean;
  /** Public keys of age that backups are encrypted for; none: not encrypted. */
  readonly recipients: readonly string[];
  readonly keep: KeepPolicy;
  readonly timeoutMs: number;
}

export function readBackup(vars: Variables): BackupConfig {
  const { read } = vars;
  warnOfIdentity(vars);
  return {
    enabled: read('BACKUP_ENABLED', (it) => it.default('true').asTrueOrFalse()),
    skipConfirmed: read('BACKUP_SKIP_CONFIRMED', (it) => it.default('false').asTrueOrFalse()),
    store: readStore(vars),
    compression: read('BACKUP_COMPRESSION', (it) => it.default('zstd').asEnum(COMPRESSIONS)),
    checkStructure: readCheckStructure(vars),
    recipients: readRecipients(vars),
    keep: readKeep(vars),
    timeoutMs: read('BACKUP_TIMEOUT', (it) => it.default('30m').asDuration()),
  };
}

/** Whoever reads a backup back reads it, too. */
export const readCheckStructure = ({ read }: Variables): boolean =>
  read('BACKUP_CHECK_STRUCTURE', (it) => it.default('true').asTrueOrFalse());

const readKeep = ({ read }: Variables): KeepPolicy => ({
  last: read('BACKUP_KEEP_LAST', (it) => it.default('7').asWholeNumber()),
  daily: read('BACKUP_KEEP_DAILY', (it) => it.default('0').asWholeNumber()),
  weekly: read('BACKUP_KEEP_WEEKLY', (it) => it.default('0').asWholeNumber()),
  monthly: read('BACKUP_KEEP_MONTHLY', (it) => it.default('0').asWholeNumber()),
});

function warnOfIdentity({ given, warn }: Variables): void {
  if (given('BACKUP_AGE_IDENTITY_FILE') === undefined) return;
  warn(
    'BACKUP_AGE_IDENTITY_FILE is not needed to make backups, and who gets into this job could then read all of them; ' +
      'give it only to the commands that read',
  );
}
