import {
  clusterNameOf,
  type Config,
  ConfigurationError,
  type Environment,
  loadConfig,
  logLevelOf,
  sinksOf,
} from '../config/config.ts';
import { createLog, type Log } from '../log.ts';
import { type Report, reportOf } from '../run/report.ts';
import { newRunState, type RunState } from '../run/state.ts';
import { run } from '../run.ts';
import { notifySinks } from '../sinks/sinks.ts';
import type { CommandContext } from './context.ts';
import { tableOf } from '../run/table.ts';
import { writeTerminationMessage } from '../run/termination.ts';

/** Runs the night and reports it. @returns the exit code */
export async function runCommand(surroundings: CommandContext): Promise<number> {
  const { env, terminal, signal } = surroundings;
  const least = logLevelOf(env);
  const log = await createLog({ level: least, pretty: terminal });
  surroundings.onWarning((warning) => log.warn({ warning }, 'warning'));
  signal.addEventListener('abort', () => log.warn('ending the run'));
  const night = newRunState(surroundings.version, new Date());
  const report = await spend(night, surroundings, log);
  await tellOthers(report, env, log);
  if (report.exitCode === 1) log.fatal({ err: night.ended }, 'unexpected error, please report it');
  const level = levelOf(report);
  // The report is the one line that every level but silent shows.
  log[log.isLevelEnabled(level) ? level : least](report, 'report');
  if (terminal) surroundings.print(tableOf(report));
  await writeTerminationMessage(report, env['TERMINATION_LOG'] || '/dev/termination-log');
  return report.exitCode;
}

async function spend(night: RunState, { env, holder, signal }: CommandContext, log: Log): Promise<Report> {
  const name = clusterNameOf(env);
  if (name !== undefined) night.cluster = { name };
  let config: Config;
  try {
    config = loadConfig(env);
  } catch (error) {
    night.ended = error;
    night.configuration = error instanceof ConfigurationError ? error.problems : [];
    for (const { variable, message } of night.configuration) {
      log.error({ variable, problem: message }, 'configuration problem');
    }
    return reportOf(night, new Date());
  }
  log.info({ version: night.version, dryRun: config.dryRun }, 'run started');
  return run(config, night, { log, signal, holder });
}

/** Metrics and heartbeat, also of a run that never began; none of a dry run. What fails is one warning more. */
async function tellOthers(report: Report, env: Environment, log: Log): Promise<void> {
  if (report.outcome === 'dry-run') return;
  for (const warning of await notifySinks(report, sinksOf(env))) {
    report.warnings.push(warning);
    log.warn({ warning }, 'warning');
  }
}

/** What is only partly well is a warning: somebody has to look, but not at once. */
function levelOf({ exitCode }: Report): 'info' | 'warn' | 'error' {
  if (exitCode === 0) return 'info';
  return exitCode === 5 || exitCode === 6 ? 'warn' : 'error';
}
