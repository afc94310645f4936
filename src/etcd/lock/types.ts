import type { Log } from '../../log.ts';

export interface Lock {
  /** why nothing is locked, in words; undefined while the lock is held */
  readonly missing: string | undefined;
  /** whether it is missing because the cluster takes no writes; else what kept it away says nothing of that */
  readonly refused: boolean;
  /** To be called before every change. @throws Failure `refused` when the lock is another run's, `step` when it cannot be taken */
  ensure(): Promise<void>;
  /** Keeps the lease alive through other members than this one, which is about to be busy; undefined: through any. */
  avoid(memberId: string | undefined): Promise<void>;
  /** Makes sure of the lock and writes its key once more. @returns false where NOSPACE forbids every write */
  touch(): Promise<boolean>;
  /** Never throws: what is left behind expires by itself. */
  release(): Promise<void>;
}

export interface LockOptions {
  /** how long the key outlives a run that is dead, in milliseconds */
  ttlMs: number;
  /** who holds it, for a person who finds the key */
  holder: string;
  log: Log;
  signal: AbortSignal;
}
