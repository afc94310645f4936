import { type Configuration, ConfigurationError, readConfiguration } from '../config/config.ts';
import { createLog, type Log } from '../log.ts';
import { type Report, reportOf } from '../run/report.ts';
import { newRunState, type RunState } from '../run/state.ts';
import { tableOf } from '../run/table.ts';
import { writeTerminationMessage } from '../run/termination.ts';
import { run } from '../run.ts';
import { notifySinks } from '../sinks/notify.ts';
import type { CommandContext } from './context.ts';

/** Runs once and reports it. @returns the exit code */
export async function runCommand(context: CommandContext): Promise<number> {
  const { env, version, stdoutIsTTY, signal, hiding } = context;
  const state = newRunState(version, new Date());
  const configuration = readConfiguration(env);
  const { logLevel, terminationLog } = configuration.reporting;
  const log = await createLog({ level: logLevel, pretty: stdoutIsTTY, hiding });
  context.onWarning((warning) => log.warn({ warning }, 'warning'));
  signal.addEventListener('abort', () => log.warn('ending the run'));
  const report = hiding.data(await runConfigured(configuration, state, context, log));
  await notifyOthers(report, configuration, log, signal);
  if (report.exitCode === 1) log.fatal({ err: state.ended }, 'unexpected error, please report it');
  const level = levelOf(report);
  // The report is the one line that every level but silent shows.
  log[log.isLevelEnabled(level) ? level : logLevel](report, 'report');
  if (stdoutIsTTY) context.print(tableOf(report));
  await writeTerminationMessage(report, terminationLog);
  return report.exitCode;
}

async function runConfigured(
  configuration: Configuration,
  state: RunState,
  { hiding, holder, signal }: CommandContext,
  log: Log,
): Promise<Report> {
  const { clusterName } = configuration.reporting;
  if (clusterName !== undefined) state.cluster = { name: clusterName };
  if (!configuration.ok) return refuse(configuration.error, state, log);
  const { config } = configuration;
  log.info({ version: state.version, dryRun: config.dryRun }, 'run started');
  return run(config, state, { log, signal, holder, hide: hiding.text });
}

/** A run that never began. */
function refuse(error: unknown, state: RunState, log: Log): Report {
  state.ended = error;
  state.configuration = error instanceof ConfigurationError ? error.problems : [];
  for (const { variable, message } of state.configuration) {
    log.error({ variable, problem: message }, 'configuration problem');
  }
  return reportOf(state, state.clock());
}

/** Metrics and heartbeat, also of a run that never began. What fails is one warning more. */
async function notifyOthers(
  report: Report,
  { reporting }: Configuration,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  for (const warning of await notifySinks(report, reporting.sinks, signal)) {
    report.warnings.push(warning);
    log.warn({ warning }, 'warning');
  }
}

/** What is only partly well is a warning: somebody has to look, but not at once. */
function levelOf({ exitCode }: Report): 'info' | 'warn' | 'error' {
  if (exitCode === 0) return 'info';
  return exitCode === 5 || exitCode === 6 ? 'warn' : 'error';
}
