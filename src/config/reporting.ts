import { readClusterName } from './cluster-name.ts';
import { readSinks, type SinksConfig } from './sinks.ts';
import type { Variables } from './variables.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a run needs to tell how it ended, be it that its configuration is wrong. What is wrong itself has its default. */
export interface ReportingConfig {
  readonly logLevel: LogLevel;
  /** Undefined: the cluster's ID in hex. */
  readonly clusterName?: string | undefined;
  readonly terminationLog: string;
  readonly sinks: SinksConfig;
}

export const readReporting = (vars: Variables): ReportingConfig => ({
  logLevel: vars.read('LOG_LEVEL', (it) => it.default('info').asEnum(LOG_LEVELS)),
  clusterName: readClusterName(vars),
  terminationLog: vars.read('TERMINATION_LOG', (it) => it.default('/dev/termination-log').asString()),
  sinks: sinksOf(vars),
});

export const readDryRun = ({ read }: Variables): boolean =>
  read('DRY_RUN', (it) => it.default('false').asTrueOrFalse());

/** A dry run tells nobody, however it ends. What is wrong with a sink is told of it all the same. */
function sinksOf(vars: Variables): SinksConfig {
  const sinks = readSinks(vars);
  return readDryRun(vars) ? {} : sinks;
}
