import { parseArgs } from 'node:util';
import { DEFAULT_PORT } from '../kubernetes/server-files.ts';
import { countOf, durationOf, portOf, refused, UsageFailure } from './argument-values.ts';
import type { ApiServer } from './scratch-api-server.ts';
import {
  COMMANDS,
  type CommandName,
  type Format,
  formatsOf,
  helpFor,
  isCommand,
  MOST_NAMED,
  MOST_RUNS,
  overview,
} from './help.ts';

/** What the arguments ask for. */
export type Invocation =
  | { command: 'help'; text: string }
  | { command: 'run' }
  | { command: 'status'; json: boolean }
  | { command: 'list'; json: boolean }
  | { command: 'history'; last: number; format: Format }
  | { command: 'usage'; which: string; top: number | undefined; json: boolean }
  | { command: 'verify'; which: string; json: boolean }
  | { command: 'fetch'; which: string; file: string; receipt: string | undefined; json: boolean }
  | { command: 'diff'; older: string; newer: string; all: boolean; top: number; json: boolean }
  | {
      command: 'drill';
      which: string;
      receipt: string | undefined;
      server: ApiServer | undefined;
      json: boolean;
    }
  | { command: 'apiserver'; folder: string; encryptionConfig: string | undefined; port: number }
  | { command: 'browse'; receipt: string; ttlMs: number; server: Omit<ApiServer, 'kubeconfig'> }
  | { command: 'kubeconfig'; port: number };

/** That of one command. */
export type InvocationOf<Name extends Invocation['command']> = Extract<Invocation, { command: Name }>;

/** What `history` shows unless told otherwise. */
const DEFAULT_LAST = 30;
/** What diff names of each list unless told otherwise, and at the most. */
const DEFAULT_TOP = 10;
const MOST_TOP = 1_000_000;
/** How long it may take until an API server answers, and how long one stays, unless told otherwise. */
const DEFAULT_WAIT = '2m';
const DEFAULT_TTL = '1h';
/** Where a forwarded API server is found: on a control plane the cluster's own has the usual port. */
export const FORWARDED_PORT = 16_443;

/**
 * Reads what stands behind the program's name; `run` where nothing does.
 * @throws UsageFailure
 */
export function readArguments([name = 'run', ...rest]: readonly string[]): Invocation {
  if (['help', '--help', '-h'].includes(name)) return { command: 'help', text: overview() };
  if (!isCommand(name)) throw new UsageFailure(`there is no command ${JSON.stringify(name)}`, overview());
  const { values, positionals } = parse(name, rest);
  if (values.help) return { command: 'help', text: helpFor(name) };
  checkCount(name, positionals);
  const format = formatOf(name, values.output);
  const json = format === 'json';
  const [which = 'latest', file = ''] = positionals;
  switch (name) {
    case 'run':
      return { command: name };
    case 'status':
    case 'list':
      return { command: name, json };
    case 'history':
      return { command: name, last: lastOf(values.last), format };
    case 'usage':
      return { command: name, which, top: topOf(name, values.top, MOST_NAMED), json };
    case 'verify':
      return { command: name, which, json };
    case 'fetch':
      return { command: name, which, file, receipt: values.receipt, json };
    case 'diff':
      return diffOf(which, file, values, json);
    case 'drill':
      if (values.receipt !== undefined && positionals.length > 0)
        throw refused(name, 'drill: --receipt says already which backup it was');
      return { command: name, which, receipt: values.receipt, server: serverOf(values), json };
    case 'apiserver':
      return {
        command: name,
        folder: which,
        encryptionConfig: values['encryption-provider-config'],
        port: portOf(name, values.port, DEFAULT_PORT),
      };
    case 'browse':
      return browseOf(values);
    case 'kubeconfig':
      return { command: name, port: portOf(name, values.port, FORWARDED_PORT) };
    default:
      return name satisfies never;
  }
}

function parse(name: CommandName, args: string[]) {
  const options = {
    help: { type: 'boolean', short: 'h' },
    output: { type: 'string', short: 'o' },
    receipt: { type: 'string' },
    last: { type: 'string' },
    top: { type: 'string' },
    all: { type: 'boolean' },
    kubeconfig: { type: 'string' },
    'apiserver-log': { type: 'string' },
    'apiserver-timeout': { type: 'string' },
    'encryption-provider-config': { type: 'string' },
    port: { type: 'string' },
    ttl: { type: 'string' },
  } as const;
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true });
    const known: readonly string[] = [...COMMANDS[name].options, 'help'];
    const unknown = Object.keys(parsed.values).find((option) => !known.includes(option));
    if (unknown !== undefined) throw refused(name, `${name} has no option --${unknown}`);
    return parsed;
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    // Its second sentence is about arguments that begin with a dash, which nothing here does.
    throw refused(name, `${name}: ${error.message.split('. ')[0]}`);
  }
}

function checkCount(name: CommandName, positionals: readonly string[]): void {
  const [least, most] = COMMANDS[name].positionals;
  const extra = positionals[most];
  if (extra !== undefined) throw refused(name, `${name}: ${JSON.stringify(extra)} is one argument too many`);
  if (positionals.length < least) throw refused(name, `${name} needs ${least} arguments`);
}

function formatOf(name: CommandName, output: string | undefined): Format {
  // `-o=json`, as kubectl takes it; to Node the equals sign is part of the value.
  const given = output?.replace(/^=/, '') ?? 'table';
  const formats = formatsOf(name);
  const format = formats.find((one) => one === given);
  if (format !== undefined) return format;
  const allowed = formats.join(', ').replace(/, (\w+)$/, ' or $1');
  throw refused(name, `${name}: --output ${JSON.stringify(given)} should be ${allowed}`);
}

const lastOf = (given: string | undefined): number =>
  given === undefined ? DEFAULT_LAST : countOf('history', '--last', given, MOST_RUNS);

const topOf = (name: CommandName, given: string | undefined, most: number): number | undefined =>
  given === undefined ? undefined : countOf(name, '--top', given, most);

function diffOf(
  older: string,
  newer: string,
  { all = false, top }: { all?: boolean; top?: string },
  json: boolean,
): Invocation {
  if (older === 'latest') throw refused('diff', 'diff: latest can only be the newer one, which comes last');
  return {
    command: 'diff',
    older,
    newer,
    all,
    top: topOf('diff', top, MOST_TOP) ?? DEFAULT_TOP,
    json,
  };
}

function browseOf({ receipt, ttl = DEFAULT_TTL, ...rest }: BrowseValues): Invocation {
  if (receipt === undefined) throw refused('browse', 'browse needs --receipt');
  return {
    command: 'browse',
    receipt,
    ttlMs: durationOf('browse', '--ttl', ttl),
    server: waitOf('browse', rest),
  };
}

interface BrowseValues extends ServerValues {
  receipt?: string | undefined;
  ttl?: string | undefined;
}

interface ServerValues {
  kubeconfig?: string | undefined;
  'apiserver-log'?: string | undefined;
  'apiserver-timeout'?: string | undefined;
}

function serverOf(values: ServerValues): ApiServer | undefined {
  const { kubeconfig } = values;
  const wait = waitOf('drill', values);
  return kubeconfig === undefined ? undefined : { kubeconfig, ...wait };
}

function waitOf(name: CommandName, values: ServerValues): Omit<ApiServer, 'kubeconfig'> {
  const { 'apiserver-log': log, 'apiserver-timeout': timeout = DEFAULT_WAIT } = values;
  return { log, timeoutMs: durationOf(name, '--apiserver-timeout', timeout) };
}
