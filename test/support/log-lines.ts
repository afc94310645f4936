import type { LogLine } from './run-job.ts';

/** The names of members whose log line has that message, in order. */
export const membersIn = (lines: readonly LogLine[], msg: string): unknown[] =>
  lines.filter(withMessage(msg)).map((line) => line.member);

export const withMessage =
  (msg: string) =>
  (line: LogLine): boolean =>
    line.msg === msg;
