import { hostname } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };
import { type Config, ConfigurationError, loadConfig, logLevelOf } from './config.ts';
import { Interrupted } from './errors.ts';
import { createLog } from './log.ts';
import { newNight, type Report, reportOf } from './report.ts';
import { run } from './run.ts';
import { tableOf } from './table.ts';
import { writeTerminationMessage } from './termination.ts';

const { version } = packageJson;
const pretty = process.stdout.isTTY;
const log = await createLog({ level: logLevelOf(process.env), pretty });
const ending = new AbortController();

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  // Only once: whoever asks a second time wants the process gone, whatever it leaves behind.
  process.once(signal, () => {
    log.warn({ signal }, 'ending the run');
    ending.abort(new Interrupted(signal));
  });
}

// Node prints its warnings as plain text, which is no log line; and DEP0123 (an IP address as a TLS server name) is
// what etcd3 cannot avoid for an endpoint with an address. The certificate is checked against that address all the same.
process.removeAllListeners('warning');
process.on('warning', ({ name, message, ...rest }) => {
  if (!('code' in rest) || rest.code !== 'DEP0123') log.warn({ warning: `${name}: ${message}` }, 'warning');
});

process.exit(await main());

async function main(): Promise<number> {
  const startedAt = new Date();
  const report = await night(startedAt);
  if (report.exitCode === 1) log.fatal({ reason: report.error }, 'unexpected error, please report it');
  log[levelOf(report)](report, 'report');
  if (pretty) process.stdout.write(tableOf(report));
  await writeTerminationMessage(report, process.env['TERMINATION_LOG'] || '/dev/termination-log');
  return report.exitCode;
}

async function night(startedAt: Date): Promise<Report> {
  let config: Config;
  try {
    config = loadConfig(process.env);
  } catch (ended) {
    const configuration = ended instanceof ConfigurationError ? ended.problems : [];
    for (const { variable, message } of configuration)
      log.error({ variable, problem: message }, 'configuration problem');
    return reportOf({ ...newNight(version, startedAt), configuration, ended }, new Date());
  }
  log.info({ version, dryRun: config.dryRun }, 'run started');
  return run(config, newNight(version, startedAt), {
    log,
    signal: ending.signal,
    holder: `${hostname()}/${process.pid}`,
  });
}

function levelOf({ exitCode }: Report): 'info' | 'warn' | 'error' {
  if (exitCode === 0) return 'info';
  return exitCode === 5 || exitCode === 6 ? 'warn' : 'error';
}
