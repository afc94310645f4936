import { type BackupConfig, readBackup } from './backup.ts';
import { type CompactionConfig, readCompaction } from './compaction.ts';
import { type DefragConfig, readDefrag } from './defrag.ts';
import { type EtcdConfig, readEtcd } from './etcd.ts';
import { type LockConfig, readLock } from './lock.ts';
import { readObjectPrefix } from './object-prefix.ts';
import { ConfigurationError } from './problems.ts';
import { readDryRun, readReporting, type ReportingConfig } from './reporting.ts';
import { checkUnknownVariables } from './unknown.ts';
import { type Environment, type Variables, variablesOf } from './variables.ts';

export type { BackupConfig, KeepPolicy } from './backup.ts';
export type { CompactionConfig } from './compaction.ts';
export type { Credentials } from './credentials.ts';
export type { DefragConfig } from './defrag.ts';
export type { EtcdConfig } from './etcd.ts';
export type { FileStoreConfig } from './file-store.ts';
export { type ConfigProblem, ConfigurationError } from './problems.ts';
export type { LogLevel, ReportingConfig } from './reporting.ts';
export { loadPodSettings, type PodSettings } from './pod.ts';
export type { S3ObjectSettings, S3StoreConfig } from './s3-store.ts';
export type { SinksConfig } from './sinks.ts';
export type { StoreConfig } from './store.ts';
export {
  type ContentsSettings,
  loadContentsSettings,
  loadRecoverySettings,
  loadStoreSettings,
  type RecoverySettings,
  type StoreSettings,
} from './store-settings.ts';
export type { TlsConfig } from './tls.ts';
export type { Environment } from './variables.ts';

/** All that the environment says. Names ending in `Ms` are milliseconds, those ending in `Bytes` bytes. */
export interface Config extends ReportingConfig {
  readonly etcd: EtcdConfig;
  readonly dryRun: boolean;
  /** The Kubernetes node that the job runs on, where the pod was told. */
  readonly nodeName?: string | undefined;
  readonly lock: LockConfig;
  readonly consistencyCheck: boolean;
  readonly backup: BackupConfig;
  readonly compaction: CompactionConfig;
  readonly defrag: DefragConfig;
  readonly alarmDisarm: boolean;
  /** Where Kubernetes keeps its objects. */
  readonly objectPrefix: string;
  readonly objectCounts: boolean;
  /** Undefined: what each member says. */
  readonly quotaBytes?: number | undefined;
  /** What is allowed but looks like a mistake; no secret is in it. */
  readonly warnings: readonly string[];
}

/** The configuration, or what is wrong with it (a `ConfigurationError`, else a bug): and, either way, who is told so. */
export type Configuration = { readonly reporting: ReportingConfig } & (
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly error: unknown }
);

/** Reads environment variables and, for TLS, the files that they name. Throws nothing, so that a run can tell of it. */
export function readConfiguration(env: Environment): Configuration {
  const vars = variablesOf(env);
  const reporting = readReporting(vars);
  try {
    return { reporting, ok: true, config: readAll(vars, reporting) };
  } catch (error) {
    return { reporting, ok: false, error };
  }
}

/**
 * The same for whoever only wants the configuration.
 * @throws ConfigurationError with every problem at once.
 */
export function loadConfig(env: Environment): Config {
  const configuration = readConfiguration(env);
  if (configuration.ok) return configuration.config;
  throw configuration.error;
}

function readAll(vars: Variables, reporting: ReportingConfig): Config {
  const { read } = vars;
  const config: Config = {
    ...reporting,
    etcd: readEtcd(vars),
    dryRun: readDryRun(vars),
    nodeName: read('NODE_NAME', (it) => it.asString()),
    lock: readLock(vars),
    consistencyCheck: read('CONSISTENCY_CHECK', (it) => it.default('true').asTrueOrFalse()),
    backup: readBackup(vars),
    compaction: readCompaction(vars),
    defrag: readDefrag(vars),
    alarmDisarm: read('ALARM_DISARM', (it) => it.default('true').asTrueOrFalse()),
    objectPrefix: readObjectPrefix(vars),
    objectCounts: read('OBJECT_COUNTS', (it) => it.default('true').asTrueOrFalse()),
    quotaBytes: read('QUOTA_BYTES', (it) => it.asAboveZeroSize()),
    // The list itself: the checks below may still add to it.
    warnings: vars.warnings,
  };
  checkTogether(config, vars);
  checkUnknownVariables(vars);
  if (vars.problems.length > 0) throw new ConfigurationError(vars.problems);
  return config;
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
