import { durationMs } from '../config/units.ts';
import { Failure } from '../errors.ts';
import { type CommandName, helpFor } from './help.ts';

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

/** The same of one command. */
export const refused = (name: CommandName, problem: string): UsageFailure =>
  new UsageFailure(problem, helpFor(name));

/** A whole number from 1 on. @throws UsageFailure */
export function countOf(name: CommandName, option: string, given: string, most: number): number {
  const count = /^\d{1,9}$/.test(given) ? Number(given) : 0;
  if (count >= 1 && count <= most) return count;
  throw refused(
    name,
    `${name}: ${option} ${JSON.stringify(given)} should be a whole number from 1 to ${most}`,
  );
}

/** In milliseconds. @throws UsageFailure */
export function durationOf(name: CommandName, option: string, given: string): number {
  try {
    const ms = durationMs(given);
    if (ms > 0) return ms;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  throw refused(
    name,
    `${name}: ${option} ${JSON.stringify(given)} should be a duration above zero such as 90s, 10m or 1h30m`,
  );
}

const MOST_PORT = 65_535;

export const portOf = (name: CommandName, given: string | undefined, otherwise: number): number =>
  given === undefined ? otherwise : countOf(name, '--port', given, MOST_PORT);
