import envVar from 'env-var';
import { type ConfigProblem, shown } from './problems.ts';
import type { VariableName } from './secrecy.ts';
import { durationMs, ratio, sizeBytes, trueOrFalse, wholeNumber } from './units.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Limits of a duration, written as durations: so a message shows them as a person would write them. */
export interface DurationLimits {
  readonly min: string;
  readonly max: string;
  /** The value is a multiple of this; any where it is left out. */
  readonly step?: string;
}

/**
 * What a timeout may be. Above a day a nightly run no longer is one, and sums of a few such times still fit into
 * Node's timers, which fire at once when asked for more than 2^31-1 ms (24.8 days).
 */
const anyTimeout: DurationLimits = { min: '1ms', max: '24h' };

// Every accessor throws an Error whose message goes on after the words "it ".
const accessors = {
  asTrueOrFalse: trueOrFalse,
  asWholeNumber: wholeNumber,
  asRatio: ratio,
  asSize: sizeBytes,
  asAboveZeroSize(text: string): number {
    const bytes = sizeBytes(text);
    if (bytes === 0) throw new Error('should be more than 0');
    return bytes;
  },
  asDuration(text: string, { min, max, step = '1ms' } = anyTimeout): number {
    const ms = durationMs(text);
    if (ms < durationMs(min) || ms > durationMs(max)) throw new Error(`should be from ${min} to ${max}`);
    if (ms % durationMs(step) !== 0) throw new Error(`should be a multiple of ${step}`);
    return ms;
  },
};

function lookUp(values: Environment, variable: string) {
  return envVar.from(values, accessors).get(variable);
}

/** A variable as env-var hands it out, with the accessors above. */
export type Variable = ReturnType<typeof lookUp>;

interface Parse {
  /** `fallback`: what is parsed where nothing is given. */
  <T>(variable: VariableName, parser: (text: string) => T, fallback: string): T;
  <T>(variable: VariableName, parser: (text: string) => T): T | undefined;
}

/** The environment, with a memory of what was asked for and of all that was wrong with it. */
export interface Variables {
  /** One variable's value; a problem is remembered, and reading goes on. */
  readonly read: <T>(variable: VariableName, parse: (it: Variable) => T) => T;
  /** The same with a parser of one's own, which throws an Error whose message goes on after the words "it ". */
  readonly parse: Parse;
  /** What was given, unchecked; undefined where nothing was. */
  readonly given: (variable: VariableName) => string | undefined;
  readonly report: (variable: string, message: string) => void;
  readonly warn: (warning: string) => void;
  /** The names of given variables that nobody has asked for so far. */
  readonly unread: () => string[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

export function variablesOf(env: Environment): Variables {
  // An empty variable counts as unset; env-var would take it as given.
  const values = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const asked = new Set<string>();
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];

  function report(variable: string, message: string): void {
    // What two readers ask for, say the store and the sinks, is wrong once.
    const known = problems.some((one) => one.variable === variable && one.message === message);
    if (!known) problems.push({ variable, message });
  }

  function given(variable: VariableName): string | undefined {
    asked.add(variable);
    return values[variable];
  }

  function read<T>(variable: VariableName, parse: (it: Variable) => T): T {
    const value = given(variable);
    try {
      return parse(lookUp(values, variable));
    } catch (error) {
      // The default can be wrong only by a mistake in this program.
      if (value === undefined) throw error;
      report(variable, describeWrong(variable, value, error));
      // Only to find the other problems as well: with one problem there will be no configuration.
      return parse(lookUp({}, variable));
    }
  }

  return {
    read,
    parse: parseWith(read),
    given,
    report,
    warn: (warning) => void warnings.push(warning),
    unread: () => Object.keys(values).filter((variable) => !asked.has(variable)),
    problems,
    warnings,
  };
}

/** `Variables.parse`, on top of `Variables.read`. */
function parseWith(read: Variables['read']): Parse {
  function parse<T>(variable: VariableName, parser: (text: string) => T, fallback: string): T;
  function parse<T>(variable: VariableName, parser: (text: string) => T): T | undefined;
  function parse<T>(variable: VariableName, parser: (text: string) => T, fallback?: string): T | undefined {
    return read(variable, (it) => {
      const text = (fallback === undefined ? it : it.default(fallback)).asString();
      return text === undefined ? undefined : parser(text);
    });
  }
  return parse;
}

function describeWrong(variable: string, value: string, error: unknown): string {
  // Without its causes: a parser's message is for whoever sets the variable, and says what they have to know of them.
  const message = error instanceof Error ? error.message : String(error);
  // env-var puts this before the message of every accessor.
  const reason = message.replace(`env-var: "${variable}" `, '');
  return `is ${shown(variable, value)}; it ${reason}`;
}
