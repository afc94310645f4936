import { Failure } from '../errors.ts';

/**
 * What kind of fault it was, the same for every store.
 *
 * - `not-found`: there is no such file
 * - `taken`: there is a file of that name already, and nothing is overwritten
 * - `no-store`: what the store is to be in (the bucket) is not there
 * - `access`: the credentials or the user of the job may not do it
 * - `retained`: the store keeps it by a rule of its own, whoever asks, until a time or until somebody ends that
 * - `read-only`: nobody may write there
 * - `no-space`: no room is left, or the quota is used up
 * - `not-a-folder`, `not-a-file`: something else lies in its place, say a link
 * - `invalid-name`: a name that could leave the folder, or that the store cannot take
 * - `too-large`: more than the store takes, or than is read of it
 * - `changed`: it is not what it was when it was last looked at
 * - `damaged`: the store does not hold what was written
 * - `incomplete`: a listing that is not whole, or that contradicts itself
 * - `not-a-store`: something answers there that is no store of this kind, say a web page
 * - `unreachable`: the store gave no answer, or none that is of use; it may at another time
 * - `not-implemented`: the server does not know what it was asked for, say a conditional write
 * - `other`: the words say what
 */
export type StoreErrorCode =
  | 'not-found'
  | 'taken'
  | 'no-store'
  | 'access'
  | 'retained'
  | 'read-only'
  | 'no-space'
  | 'not-a-folder'
  | 'not-a-file'
  | 'invalid-name'
  | 'too-large'
  | 'changed'
  | 'damaged'
  | 'incomplete'
  | 'not-a-store'
  | 'unreachable'
  | 'not-implemented'
  | 'other';

/** What an error of a system or of a server means for a store: a code to act on, why in words, and what to do. */
export interface Explanation {
  readonly code: StoreErrorCode;
  readonly why: string;
  readonly advice: string;
}

/**
 * Whatever a store could not do. Its message is complete: what failed, why, what the system said, what to do. What it
 * means for the run says whoever asked the store.
 */
export class StoreError extends Failure {
  readonly code: StoreErrorCode;

  /** @param cause what the system or the SDK threw; `problem` has its words already */
  constructor(code: StoreErrorCode, problem: string, advice: string, cause?: unknown) {
    super('backup', `${problem}; ${advice}`, { cause });
    this.code = code;
  }
}

/** What the store keeps although it was to be removed. No right and no repair would help. */
export class RetainedError extends StoreError {
  /** Undefined where no time ends it. */
  readonly until: Date | undefined;

  constructor(problem: string, advice: string, { until, cause }: { until?: Date; cause?: unknown } = {}) {
    super('retained', problem, advice, cause);
    this.until = until;
  }
}

export const isStoreError = (error: unknown, code: StoreErrorCode): boolean =>
  error instanceof StoreError && error.code === code;
