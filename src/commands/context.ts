import type { Environment } from '../config/config.ts';

/** What a command may know of its process. */
export interface CommandContext {
  /** what stands behind the program's name */
  args: readonly string[];
  env: Environment;
  version: string;
  /** who runs, for a person who finds the lock */
  holder: string;
  /** whether a person reads standard output */
  stdoutIsTTY: boolean;
  /** whether a person reads standard error */
  stderrIsTTY: boolean;
  /** to standard output */
  print: (text: string) => void;
  /** to standard error */
  note: (text: string) => void;
  /** aborted with an `Interrupted` when the process is to end */
  signal: AbortSignal;
  onWarning: (listen: (warning: string) => void) => void;
}
