import { Failure } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { pause } from '../../util/abortable.ts';
import { LOCK_KEY } from '../../util/lock-key.ts';
import type { Connection } from '../client/connection.ts';
import { type HeldKey, leaseSecondsLeft, readKey } from './leases.ts';
import { renewalWatch } from './renewal-watch.ts';

/** What a holder's lease may take to expire beyond its TTL: etcd deletes expired keys in batches, and clocks round. */
const GRACE_MS = 15_000;
/** Between two looks at the key. */
export const POLL_MS = 1_000;

export interface HeldKeyOptions {
  /** how a member is asked */
  ask: <T>(call: (connection: Connection) => Promise<T>) => Promise<T>;
  ttlMs: number;
  log: Log;
  signal: AbortSignal;
}

/**
 * Watches a key that another run holds. Seen renewed: its run lives. Not renewed until its lease ended: its run is dead.
 * The time that this may take counts from here, however often the key is free and taken again meanwhile.
 */
export class HeldKeyWatch {
  private readonly options: HeldKeyOptions;
  private readonly renewals = renewalWatch();
  private readonly deadline: number;

  constructor(options: HeldKeyOptions) {
    this.options = options;
    this.deadline = performance.now() + options.ttlMs + GRACE_MS;
  }

  /** @throws Failure `locked` when the key is not going to be free */
  async untilFree(): Promise<void> {
    const { ask, signal } = this.options;
    for (;;) {
      signal.throwIfAborted();
      const found = await ask((connection) => readKey(connection, LOCK_KEY));
      if (found === undefined) return;
      await this.look(found);
      await pause(POLL_MS, signal);
    }
  }

  private async look({ value: holder, leaseId }: HeldKey): Promise<void> {
    if (leaseId === undefined)
      throw held(holder, 'it hangs on no lease and so never expires: if no run is alive, delete the key');
    const left = await this.options.ask((connection) => leaseSecondsLeft(connection, leaseId));
    if (this.renewals.sees(leaseId, left))
      throw held(holder, 'its lease was renewed while it was watched, so that run is alive');
    const { seconds } = left;
    if (performance.now() > this.deadline) throw held(holder, tooLong(seconds));
    if (this.renewals.isFirst()) this.logWaiting({ holder, secondsLeft: seconds });
  }

  private logWaiting(fields: { holder: string; secondsLeft: number }): void {
    this.options.log.info(
      { key: LOCK_KEY, ...fields },
      'lock is held, waiting for it to expire or be renewed',
    );
  }
}

const tooLong = (seconds: number): string =>
  seconds > 0
    ? `its lease has ${seconds} s left, more than LOCK_TTL allows to wait for`
    : 'its lease has ended and etcd keeps the key all the same: if no run is alive, delete the key';

const held = (holder: string, why: string): Failure =>
  new Failure('locked', `another run holds the lock ${LOCK_KEY} (${holder}): ${why}; nothing was changed`);
