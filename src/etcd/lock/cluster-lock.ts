import { Failure, messageOf } from '../../errors.ts';
import { pause } from '../../util/abortable.ts';
import { LOCK_KEY } from '../../util/lock-key.ts';
import type { Connection } from '../client/connection.ts';
import type { ClusterClient } from '../cluster/discover.ts';
import { accessDenied, EtcdError, type EtcdErrorCode, toEtcdError } from '../errors.ts';
import { HeldKeyWatch, POLL_MS } from './held-key.ts';
import { createKey, grantLease, type HeldKey, putKey, readKey, renewLease, revokeLease } from './leases.ts';
import type { Lock, LockOptions } from './types.ts';
import { askVoters } from './voters.ts';

const RELEASE_TIMEOUT_MS = 2_000;
/** How often a key that is free is tried to take: others may be quicker. */
const CREATE_TRIES = 5;

/** What a cluster says that takes no writes. Anything else that kept the lock away says nothing of its writes. */
const NO_WRITES: ReadonlySet<EtcdErrorCode> = new Set(['no-space', 'corrupt', 'no-leader']);

/** Whose the key is after an attempt to create it. */
type Attempt = 'ours' | 'theirs' | 'nobodys';

/** The lock while a run lives: its lease, and why it is missing where nothing can be written. */
export class ClusterLock implements Lock {
  private readonly client: ClusterClient;
  private readonly options: LockOptions;
  /** of the key: for a person who finds it */
  private readonly value: string;
  private leaseId: string | undefined;
  private reason: EtcdError | undefined;
  private avoided: string | undefined;
  private renewal: NodeJS.Timeout | undefined;

  constructor(client: ClusterClient, options: LockOptions) {
    this.client = client;
    this.options = options;
    this.value = JSON.stringify({ holder: options.holder, since: new Date().toISOString() });
  }

  get missing(): string | undefined {
    return this.leaseId === undefined ? (this.reason?.message ?? 'not taken') : undefined;
  }

  get refused(): boolean {
    return this.reason !== undefined && NO_WRITES.has(this.reason.code);
  }

  /** Takes the lock, or learns why it is missing; from then on its lease is renewed. @throws Failure */
  async take(): Promise<void> {
    try {
      await this.acquire();
    } catch (error) {
      await this.acceptMissing(error);
    }
    this.renewal = setInterval(() => void this.renew(), this.options.ttlMs / 3);
  }

  async ensure(): Promise<void> {
    try {
      await this.check();
    } catch (error) {
      if (error instanceof Failure) throw error;
      const reason = toEtcdError(error);
      if (reason.code !== 'no-space') throw unchecked(reason);
      this.reason = reason;
    }
  }

  async touch(): Promise<boolean> {
    const before = this.leaseId;
    await this.ensure();
    const { leaseId } = this;
    if (leaseId === undefined) return false;
    if (leaseId !== before) return true; // taken just now: that was a write
    return this.put(leaseId);
  }

  async avoid(memberId: string | undefined): Promise<void> {
    this.avoided = memberId;
    // A full lease to begin with: a cluster of one cannot renew it until it answers again.
    await this.renew();
  }

  async release(): Promise<void> {
    clearInterval(this.renewal);
    await this.revoke();
  }

  private ask<T>(call: (connection: Connection) => Promise<T>): Promise<T> {
    return askVoters(this.client, this.avoided, call);
  }

  private readKey(): Promise<HeldKey | undefined> {
    return this.ask((connection) => readKey(connection, LOCK_KEY));
  }

  private async acquire(): Promise<void> {
    const { ttlMs, log, signal } = this.options;
    const watch = new HeldKeyWatch({ ask: (call) => this.ask(call), ttlMs, log, signal });
    for (let tries = 0; tries < CREATE_TRIES; tries += 1) {
      await watch.untilFree();
      if ((await this.create()) === 'ours') return;
      await pause(POLL_MS, signal);
    }
    throw notCreated(CREATE_TRIES);
  }

  private async acceptMissing(error: unknown): Promise<void> {
    if (error instanceof Failure) {
      await this.revoke(); // the end of the run may have come between the lease and the key
      throw error;
    }
    const reason = toEtcdError(error);
    // Before anything was done. Later it is a step that failed: a right may be taken away in the middle of a run.
    if (reason.code === 'access') throw accessDenied(`the key ${LOCK_KEY}`, reason);
    this.reason = reason;
  }

  /** One attempt on a free key. */
  private async create(): Promise<Attempt> {
    const ttlSeconds = Math.ceil(this.options.ttlMs / 1000);
    const leaseId = await this.ask((connection) => grantLease(connection, ttlSeconds));
    this.leaseId = leaseId; // from here on there is something to release
    let attempt: Attempt = 'nobodys';
    try {
      attempt = await this.createKey(leaseId);
    } finally {
      if (attempt !== 'ours') await this.revoke();
    }
    if (attempt === 'ours') this.reason = undefined;
    return attempt;
  }

  private async createKey(leaseId: string): Promise<Attempt> {
    if (await this.ask((connection) => createKey(connection, LOCK_KEY, this.value, leaseId))) return 'ours';
    const found = await this.readKey();
    if (found === undefined) return 'nobodys';
    // An answer may have been lost after the key was put: then it hangs on this lease.
    return found.leaseId === leaseId ? 'ours' : 'theirs';
  }

  private async check(): Promise<void> {
    const found = await this.readKey();
    if (found !== undefined) {
      if (found.leaseId === this.leaseId && this.leaseId !== undefined) return;
      throw refused(`the lock ${LOCK_KEY} now belongs to another run (${found.value})`);
    }
    if (this.leaseId !== undefined)
      this.options.log.warn({ key: LOCK_KEY }, 'lock was gone and free, taking it again');
    const attempt = await this.create();
    if (attempt === 'theirs') throw refused(`another run took the lock ${LOCK_KEY} first`);
    if (attempt === 'nobodys') throw notCreated(1);
  }

  /** @returns false where NOSPACE forbids it */
  private async put(leaseId: string): Promise<boolean> {
    try {
      await this.ask((connection) => putKey(connection, LOCK_KEY, this.value, leaseId));
      return true;
    } catch (error) {
      const reason = toEtcdError(error);
      if (reason.code === 'no-space') return false; // it filled up since the lock was taken
      throw reason;
    }
  }

  private async renew(): Promise<void> {
    const { leaseId } = this;
    const { ttlMs, log } = this.options;
    if (leaseId === undefined) return;
    try {
      const seconds = await this.ask((connection) => renewLease(connection, leaseId, ttlMs / 3));
      if (seconds <= 0 && this.leaseId === leaseId)
        log.warn({ key: LOCK_KEY }, 'lock lost: its lease expired');
    } catch (error) {
      log.warn({ key: LOCK_KEY, reason: messageOf(error) }, 'lock not renewed');
    }
  }

  private async revoke(): Promise<void> {
    const { leaseId } = this;
    this.leaseId = undefined;
    if (leaseId === undefined) return;
    try {
      await this.ask((connection) => revokeLease(connection, leaseId, RELEASE_TIMEOUT_MS));
    } catch (error) {
      const { code, message } = toEtcdError(error);
      if (code === 'lease-not-found') return;
      this.options.log.warn({ key: LOCK_KEY, reason: message }, 'lock not released, it expires by itself');
    }
  }
}

const notCreated = (tries: number): EtcdError =>
  new EtcdError(
    'other',
    `etcd did not create the key ${LOCK_KEY} (tries: ${tries}), and says that there is none`,
  );

const refused = (what: string): Failure =>
  new Failure('refused', `${what}; this one stops here and changes nothing more`);

const unchecked = (reason: EtcdError): Failure =>
  new Failure(
    'step',
    `the lock ${LOCK_KEY} could not be checked (${reason.message}), so nothing more is changed`,
    { cause: reason },
  );
