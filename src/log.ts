import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

export interface LogOptions {
  level: string;
  /** true on a terminal: for people instead of programs */
  pretty: boolean;
}

/** JSON lines on standard output, one event each; written at once, so that nothing is lost when the process ends. */
export async function createLog({ level, pretty }: LogOptions): Promise<Logger> {
  const options = {
    level,
    base: {},
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pretty
    ? pino(options, await prettyStream())
    : pino(options, pino.destination({ dest: 1, sync: true }));
}

/** Loaded only on a terminal: a job in a cluster never pays for it. */
async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ sync: true, ignore: 'steps,members,backup', translateTime: 'HH:MM:ss' });
}
