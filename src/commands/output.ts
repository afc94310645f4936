import { ConfigurationError } from '../config/problems.ts';
import { Failure } from '../errors.ts';
import type { Hiding } from '../util/hide.ts';
import { jsonText, printable, printableLines } from '../util/printable.ts';
import { alignedLines } from '../util/table.ts';
import { UsageFailure } from './argument-values.ts';

/** A document that a program reads; it becomes text when it is printed. */
export interface JsonDocument {
  readonly document: unknown;
}

/** Where a command's words go: to standard output and standard error, and nowhere else. */
export interface Output {
  /** to standard output, lines for people or a document for programs */
  readonly print: (what: string | JsonDocument) => void;
  /** to standard error, one line, with or without its break */
  readonly note: (text: string) => void;
  /** to standard error, what ended the command */
  readonly tell: (error: unknown) => void;
}

interface Streams {
  readonly print: (text: string) => void;
  readonly note: (text: string) => void;
}

/** The one printer: what passes it has no secret and nothing that a terminal would obey. */
export function outputTo(streams: Streams, hiding: Hiding): Output {
  return {
    print: (what) =>
      streams.print(
        typeof what === 'string' ? printableLines(hiding.text(what)) : textOf(hiding.data(what.document)),
      ),
    note: (text) => streams.note(line(hiding.text(text.replace(/\n$/, '')))),
    tell: (error) =>
      streams.note(
        linesOf(error)
          .map((text) => line(hiding.text(text)))
          .join(''),
      ),
  };
}

/** For a person; the stack only of what nobody foresaw. Only what is ours has more than one line. */
function linesOf(error: unknown): string[] {
  if (error instanceof ConfigurationError || error instanceof UsageFailure) {
    const [head = '', ...rest] = error.lines;
    return [`etcd-upkeep: ${head}`, ...rest];
  }
  if (error instanceof Failure) return [`etcd-upkeep: ${error.message}`];
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return ['etcd-upkeep: unexpected error, please report it', ...text.split('\n')];
}

/** A table for a terminal. The first row is the head. */
export const formatTable = (rows: readonly (readonly string[])[]): string =>
  `${alignedLines(rows).join('\n')}\n`;

/** One line for people, whatever stands in it. */
export const line = (text: string): string => `${printable(text)}\n`;

/** One JSON document. */
export const formatJson = (value: unknown): JsonDocument => ({ document: value });

/** The same as text, as it is printed. */
export const textOf = (value: unknown): string => `${jsonText(value, 2)}\n`;
