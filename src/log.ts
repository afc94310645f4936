import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';
import type { Hiding } from './util/hide.ts';
import { jsonText, printableLines } from './util/printable.ts';

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

export interface LogOptions {
  level: string;
  /** true on a terminal: for people instead of programs */
  pretty: boolean;
  /** what no line may hold */
  hiding: Hiding;
}

/** JSON lines on standard output, one event each; written at once, so that nothing is lost when the process ends. */
export async function createLog({ level, pretty, hiding }: LogOptions): Promise<Logger> {
  const options = {
    level,
    base: {},
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: errorFields },
  };
  const to = pretty ? await prettyStream() : pino.destination({ dest: 1, sync: true });
  return pino(options, { write: (line) => to.write(toldLine(line, hiding, pretty)) });
}

/** What else stands in an error is not ours: Node's for a URL that it cannot parse holds that URL. */
function errorFields(error: Error): object {
  const { type, message, stack } = stdSerializers.err(error);
  return { type, message, stack };
}

/** Every line passes here on its way out: without secrets, and with nothing that a terminal would obey. */
function toldLine(line: string, hiding: Hiding, pretty: boolean): string {
  const told: unknown = hiding.data(JSON.parse(line));
  // What makes it pretty undoes the escapes of JSON.
  return `${jsonText(pretty ? mapTexts(told, printableLines) : told)}\n`;
}

/** The same plain data, each of its texts put through `change`. */
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one: unknown) => mapTexts(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [change(name), mapTexts(one, change)]),
  );
}

/** Loaded only on a terminal: a job in a cluster never pays for it. */
async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ sync: true, ignore: 'steps,members,backup,usage', translateTime: 'HH:MM:ss' });
}
