import type { Environment } from '../config/config.ts';
import type { Hiding } from '../util/hide.ts';
import type { Output } from './output.ts';

/** What is known of the process. */
export interface ProcessContext {
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
  /** called once a command's code is loaded, before it does anything */
  onLoaded: () => void;
  onWarning: (listen: (warning: string) => void) => void;
  /** for an error that nobody waited for; the process ends after it */
  onCrash: (listen: (error: unknown) => void) => void;
}

/** What a command may know of its process. All that it says passes the one printer. */
export interface CommandContext extends Omit<ProcessContext, 'print' | 'note' | 'onCrash'>, Output {
  /** for what goes out on another way: log, termination message, sinks */
  hiding: Hiding;
}
