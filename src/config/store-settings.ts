import { readCheckStructure } from './backup.ts';
import { readClusterId } from './cluster-id.ts';
import { readClusterName } from './cluster-name.ts';
import { readIdentities } from './identities.ts';
import { readObjectPrefix } from './object-prefix.ts';
import { ConfigurationError } from './problems.ts';
import { readStore, type StoreConfig } from './store.ts';
import { type Environment, type Variables, variablesOf } from './variables.ts';

/** Where backups are: nothing of etcd's, so that they can be read when there is no etcd any more. */
export interface StoreSettings {
  readonly store: StoreConfig;
  /** Undefined: the only cluster that the store knows. */
  readonly clusterName?: string | undefined;
  /** Undefined: whichever the folder is of. */
  readonly clusterId?: string | undefined;
}

/** The same, and what it takes to read what is in them. */
export interface RecoverySettings extends StoreSettings {
  /** age's secret keys; none: only backups that are not encrypted can be read. */
  readonly identities: readonly string[];
  /** false: the hashes alone prove it */
  readonly checkStructure: boolean;
}

/** The same, and what it takes to name what is in them. */
export interface ContentsSettings extends RecoverySettings {
  /** where Kubernetes keeps its objects, with a slash at the end */
  readonly objectPrefix: string;
}

/**
 * Reads what the store is found by, and looks at no other variable: a certificate that is gone must not matter here.
 * @throws ConfigurationError with every problem at once
 */
export function loadStoreSettings(env: Environment): StoreSettings {
  return readAll(env, storeSettings);
}

/** @throws ConfigurationError with every problem at once */
export const loadRecoverySettings = (env: Environment): RecoverySettings => readAll(env, recoverySettings);

/** @throws ConfigurationError with every problem at once */
export function loadContentsSettings(env: Environment): ContentsSettings {
  return readAll(env, (vars) => ({
    ...recoverySettings(vars),
    objectPrefix: readObjectPrefix(vars),
  }));
}

const storeSettings = (vars: Variables): StoreSettings => ({
  store: readStore(vars),
  clusterName: readClusterName(vars),
  clusterId: readClusterId(vars),
});

const recoverySettings = (vars: Variables): RecoverySettings => ({
  ...storeSettings(vars),
  identities: vars.parse('BACKUP_AGE_IDENTITY_FILE', readIdentities) ?? [],
  checkStructure: readCheckStructure(vars),
});

function readAll<T>(env: Environment, read: (vars: Variables) => T): T {
  const vars = variablesOf(env);
  const settings = read(vars);
  if (vars.problems.length > 0) throw new ConfigurationError(vars.problems);
  return settings;
}
