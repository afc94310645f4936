import type { Compression } from '../backup/manifest.ts';
import { readClusterName, readStore } from './store-settings.ts';
import { type EtcdConfig, readEtcd } from './etcd.ts';
import { ConfigurationError } from './problems.ts';
import { readRecipients } from './recipients.ts';
import { readSinks, type SinksConfig } from './sinks.ts';
import type { StoreConfig } from './store.ts';
import { checkUnknown } from './unknown.ts';
import { type Environment, type Variables, variablesOf } from './variables.ts';

export {
  clusterNameOf,
  loadRecoverySettings,
  loadStoreSettings,
  type RecoverySettings,
  type StoreSettings,
} from './store-settings.ts';
export type { Credentials } from './credentials.ts';
export type { EtcdConfig } from './etcd.ts';
export { type ConfigProblem, ConfigurationError } from './problems.ts';
export type { S3ObjectSettings, S3StoreConfig } from './s3-store.ts';
export type { FileStoreConfig, StoreConfig } from './store.ts';
export { type SinksConfig, sinksOf } from './sinks.ts';
export type { TlsConfig } from './tls.ts';
export type { Environment } from './variables.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

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
  /** Public keys of age that backups are encrypted for; none: not encrypted. */
  readonly recipients: readonly string[];
  readonly keep: KeepPolicy;
  readonly timeoutMs: number;
}

export interface CompactionConfig {
  readonly enabled: boolean;
  /** Revisions of history to keep. */
  readonly retention: number;
  readonly timeoutMs: number;
}

export interface DefragConfig {
  readonly enabled: boolean;
  /** 0 to 1, together with `minDbSizeBytes`. */
  readonly minFragmentation: number;
  readonly minDbSizeBytes: number;
  /** 0 to 1, together with `minReclaimBytes`. */
  readonly quotaUsage: number;
  readonly minReclaimBytes: number;
  readonly moveLeader: boolean;
  readonly singleMember: boolean;
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly allowKnownBadVersions: boolean;
}

/** All that the environment says. Names ending in `Ms` are milliseconds, those ending in `Bytes` bytes. */
export interface Config {
  readonly etcd: EtcdConfig;
  /** Undefined: the cluster's ID in hex. */
  readonly clusterName?: string | undefined;
  readonly dryRun: boolean;
  readonly logLevel: LogLevel;
  readonly terminationLog: string;
  /** The Kubernetes node that the job runs on, where the pod was told. */
  readonly nodeName?: string | undefined;
  readonly lock: { readonly ttlMs: number };
  readonly consistencyCheck: boolean;
  readonly backup: BackupConfig;
  readonly compaction: CompactionConfig;
  readonly defrag: DefragConfig;
  readonly alarmDisarm: boolean;
  /** Where Kubernetes keeps its objects, which are then counted; undefined: they are not. */
  readonly objectPrefix?: string | undefined;
  readonly sinks: SinksConfig;
  /** Undefined: what each member says. */
  readonly quotaBytes?: number | undefined;
  /** What is allowed but looks like a mistake; no secret is in it. */
  readonly warnings: readonly string[];
}

/**
 * etcd counts leases in whole seconds, and grants none that ends before an election would. A longer one than this would
 * keep the next run out for too long after a crash.
 */
const leaseTtl = { min: '1s', max: '1h', step: '1s' };

/**
 * Reads the configuration from environment variables and, for TLS, from the files that they name.
 * @throws ConfigurationError with every problem at once.
 */
export function loadConfig(env: Environment): Config {
  const vars = variablesOf(env);
  const { read } = vars;
  const config: Config = {
    etcd: readEtcd(vars),
    clusterName: readClusterName(vars),
    dryRun: read('DRY_RUN', (it) => it.default('false').asTrueOrFalse()),
    logLevel: read('LOG_LEVEL', (it) => it.default('info').asEnum(logLevels)),
    terminationLog: read('TERMINATION_LOG', (it) => it.default('/dev/termination-log').asString()),
    nodeName: read('NODE_NAME', (it) => it.asString()),
    lock: { ttlMs: read('LOCK_TTL', (it) => it.default('60s').asDuration(leaseTtl)) },
    consistencyCheck: read('CONSISTENCY_CHECK', (it) => it.default('true').asTrueOrFalse()),
    backup: readBackup(vars),
    compaction: {
      enabled: read('COMPACTION_ENABLED', (it) => it.default('true').asTrueOrFalse()),
      retention: read('COMPACTION_RETENTION', (it) => it.default('10000').asWholeNumber()),
      timeoutMs: read('COMPACTION_TIMEOUT', (it) => it.default('10m').asDuration()),
    },
    defrag: readDefrag(vars),
    alarmDisarm: read('ALARM_DISARM', (it) => it.default('true').asTrueOrFalse()),
    objectPrefix: readObjectPrefix(vars),
    sinks: readSinks(vars),
    quotaBytes: read('QUOTA_BYTES', (it) => it.asAboveZeroSize()),
    // The list itself: the checks below may still add to it.
    warnings: vars.warnings,
  };
  checkTogether(config, vars);
  checkUnknown(vars);
  if (vars.problems.length > 0) throw new ConfigurationError(vars.problems);
  return config;
}

/** The log level, also where the rest is wrong; `loadConfig` says what is wrong with it. */
export function logLevelOf(env: Environment): LogLevel {
  return logLevels.find((level) => level === env.LOG_LEVEL) ?? 'info';
}

function readBackup(vars: Variables): BackupConfig {
  const { read, given, warn } = vars;
  if (given('BACKUP_AGE_IDENTITY_FILE') !== undefined) {
    warn(
      'BACKUP_AGE_IDENTITY_FILE is not needed to make backups, and who gets into this job could then read all of them; ' +
        'give it only to the commands that read',
    );
  }
  return {
    enabled: read('BACKUP_ENABLED', (it) => it.default('true').asTrueOrFalse()),
    skipConfirmed: read('BACKUP_SKIP_CONFIRMED', (it) => it.default('false').asTrueOrFalse()),
    store: readStore(vars),
    compression: read('BACKUP_COMPRESSION', (it) => it.default('zstd').asEnum(['none', 'zstd'])),
    recipients: readRecipients(vars),
    keep: {
      last: read('BACKUP_KEEP_LAST', (it) => it.default('7').asWholeNumber()),
      daily: read('BACKUP_KEEP_DAILY', (it) => it.default('0').asWholeNumber()),
      weekly: read('BACKUP_KEEP_WEEKLY', (it) => it.default('0').asWholeNumber()),
      monthly: read('BACKUP_KEEP_MONTHLY', (it) => it.default('0').asWholeNumber()),
    },
    timeoutMs: read('BACKUP_TIMEOUT', (it) => it.default('30m').asDuration()),
  };
}

function readObjectPrefix({ read }: Variables): string | undefined {
  const prefix = read('OBJECT_PREFIX', (it) => it.default('/registry/').asKeyPrefix());
  return read('OBJECT_COUNTS', (it) => it.default('true').asTrueOrFalse()) ? prefix : undefined;
}

function readDefrag({ read }: Variables): DefragConfig {
  return {
    enabled: read('DEFRAG_ENABLED', (it) => it.default('true').asTrueOrFalse()),
    minFragmentation: read('DEFRAG_MIN_FRAGMENTATION', (it) => it.default('0.45').asRatio()),
    minDbSizeBytes: read('DEFRAG_MIN_DB_SIZE', (it) => it.default('100Mi').asSize()),
    quotaUsage: read('DEFRAG_QUOTA_USAGE', (it) => it.default('0.8').asRatio()),
    minReclaimBytes: read('DEFRAG_MIN_RECLAIM', (it) => it.default('32Mi').asSize()),
    moveLeader: read('DEFRAG_MOVE_LEADER', (it) => it.default('true').asTrueOrFalse()),
    singleMember: read('DEFRAG_SINGLE_MEMBER', (it) => it.default('true').asTrueOrFalse()),
    waitMs: read('DEFRAG_WAIT', (it) => it.default('10s').asDuration({ min: '0s', max: '24h' })),
    timeoutMs: read('DEFRAG_TIMEOUT', (it) => it.default('10m').asDuration()),
    allowKnownBadVersions: read('DEFRAG_ALLOW_KNOWN_BAD_VERSIONS', (it) =>
      it.default('false').asTrueOrFalse(),
    ),
  };
}

/** What is wrong only in combination. */
function checkTogether({ backup, clusterName, compaction, defrag }: Config, { report }: Variables): void {
  if (backup.enabled && backup.store.kind === 's3' && clusterName === undefined) {
    report(
      'CLUSTER_NAME',
      'is not set; it should be where BACKUP_STORE is s3://, for many clusters may share a bucket and two of them can have the same ID',
    );
  }
  if (!backup.enabled && !backup.skipConfirmed && (compaction.enabled || defrag.enabled)) {
    report(
      'BACKUP_ENABLED',
      'is false while COMPACTION_ENABLED or DEFRAG_ENABLED is true; it should be true, or ' +
        'BACKUP_SKIP_CONFIRMED=true should say that the cluster may be changed without a backup',
    );
  }
}
