import { parseArgs } from 'node:util';
import { Failure } from '../errors.ts';
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
  | { command: 'drill'; which: string; receipt: string | undefined; json: boolean };

/** That of one command. */
export type InvocationOf<Name extends Invocation['command']> = Extract<Invocation, { command: Name }>;

/** What `history` shows unless told otherwise. */
const DEFAULT_LAST = 30;
/** What diff names of each list unless told otherwise, and at the most. */
const DEFAULT_TOP = 10;
const MOST_TOP = 1_000_000;

/**
 * Reads what stands behind the program's name; `run` where nothing does.
 * @throws UsageFailure
 */
export function readArguments([name = 'run', ...rest]: readonly string[]): Invocation {
  if (['help', '--help', '-h'].includes(name)) return { command: 'help', text: overview() };
  if (!isCommand(name)) throw usageFailure(`there is no command ${JSON.stringify(name)}`, overview());
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
      if (which === 'latest')
        throw usageFailure('diff: latest can only be the newer one, which comes last', helpFor(name));
      return {
        command: name,
        older: which,
        newer: file,
        all: values.all ?? false,
        top: topOf(name, values.top, MOST_TOP) ?? DEFAULT_TOP,
        json,
      };
    case 'drill':
      if (values.receipt !== undefined && positionals.length > 0)
        throw usageFailure('drill: --receipt says already which backup it was', helpFor(name));
      return { command: name, which, receipt: values.receipt, json };
    default:
      return name satisfies never;
  }
}

/** Arguments that mean nothing. In its message what there is follows what is wrong. */
export class UsageFailure extends Failure {
  /** of the message */
  readonly lines: readonly string[];

  constructor(problem: string, help: string) {
    const lines = [problem, '', ...help.trimEnd().split('\n')];
    super('configuration', lines.join('\n'));
    this.lines = lines;
  }
}

const usageFailure = (problem: string, help: string): UsageFailure => new UsageFailure(problem, help);

function parse(name: CommandName, args: string[]) {
  const options = {
    help: { type: 'boolean', short: 'h' },
    output: { type: 'string', short: 'o' },
    receipt: { type: 'string' },
    last: { type: 'string' },
    top: { type: 'string' },
    all: { type: 'boolean' },
  } as const;
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true });
    const known: readonly string[] = [...COMMANDS[name].options, 'help'];
    const unknown = Object.keys(parsed.values).find((option) => !known.includes(option));
    if (unknown !== undefined) throw usageFailure(`${name} has no option --${unknown}`, helpFor(name));
    return parsed;
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    // Its second sentence is about arguments that begin with a dash, which nothing here does.
    throw usageFailure(`${name}: ${error.message.split('. ')[0]}`, helpFor(name));
  }
}

function checkCount(name: CommandName, positionals: readonly string[]): void {
  const [least, most] = COMMANDS[name].positionals;
  const extra = positionals[most];
  if (extra !== undefined)
    throw usageFailure(`${name}: ${JSON.stringify(extra)} is one argument too many`, helpFor(name));
  if (positionals.length < least) throw usageFailure(`${name} needs ${least} arguments`, helpFor(name));
}

function formatOf(name: CommandName, output: string | undefined): Format {
  // `-o=json`, as kubectl takes it; to Node the equals sign is part of the value.
  const given = output?.replace(/^=/, '') ?? 'table';
  const formats = formatsOf(name);
  const format = formats.find((one) => one === given);
  if (format !== undefined) return format;
  const allowed = formats.join(', ').replace(/, (\w+)$/, ' or $1');
  throw usageFailure(`${name}: --output ${JSON.stringify(given)} should be ${allowed}`, helpFor(name));
}

const lastOf = (given: string | undefined): number =>
  given === undefined ? DEFAULT_LAST : countOf('history', '--last', given, MOST_RUNS);

const topOf = (name: CommandName, given: string | undefined, most: number): number | undefined =>
  given === undefined ? undefined : countOf(name, '--top', given, most);

function countOf(name: CommandName, option: string, given: string, most: number): number {
  const count = /^\d{1,9}$/.test(given) ? Number(given) : 0;
  if (count >= 1 && count <= most) return count;
  throw usageFailure(
    `${name}: ${option} ${JSON.stringify(given)} should be a whole number from 1 to ${most}`,
    helpFor(name),
  );
}
