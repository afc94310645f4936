import { pause } from '../../util/abortable.ts';
import { Failure, messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Connection } from '../client/connection.ts';
import { accessDenied, type Cluster } from '../cluster/discover.ts';
import {
  createKey,
  grantLease,
  leaseSecondsLeft,
  putKey,
  readKey,
  renewLease,
  revokeLease,
} from './leases.ts';
import { type EtcdError, toEtcdError } from '../errors.ts';
import { renewalWatch } from './renewal-watch.ts';
import { votersOf } from '../types.ts';

export const LOCK_KEY = 'etcd-upkeep/lock';

/** What a holder's lease may take to expire beyond its TTL: etcd deletes expired keys in batches, and clocks round. */
const GRACE_MS = 15_000;
const POLL_MS = 1_000;
const RELEASE_TIMEOUT_MS = 2_000;

export interface Lock {
  /** why nothing is locked, in words; undefined while the lock is held */
  readonly missing: string | undefined;
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
  ttlMs: number;
  /** who holds it, for a person who finds the key */
  holder: string;
  log: Log;
  signal: AbortSignal;
}

/**
 * Takes the lock of the cluster: a key bound to a lease, so that it goes away by itself when the run dies.
 *
 * A key that is there is watched. Seen renewed: its run lives. Not renewed until its lease ended: its run is dead.
 * Where nothing can be written the lock is missing, which `ensure` accepts for NOSPACE alone: freeing space is what
 * the run is there for, and deletions, compaction and defragmentation still work.
 *
 * @throws Failure `locked` when another run holds it, `configuration` when etcd refuses the right
 */
export async function takeLock(cluster: Cluster, options: LockOptions): Promise<Lock> {
  const { ttlMs, holder, log, signal } = options;
  const value = JSON.stringify({ holder, since: new Date().toISOString() });
  let leaseId: string | undefined;
  let missing: EtcdError | undefined;
  let avoided: string | undefined;

  /** Asks one member after another, the avoided one never while there is another. */
  async function anywhere<T>(call: (connection: Connection) => Promise<T>): Promise<T> {
    // A learner refuses all of these calls.
    const voters = new Set(votersOf(cluster).map(({ id }) => id));
    const all = [...cluster.connections].filter(([id]) => voters.has(id));
    const others = all.filter(([id]) => id !== avoided);
    let last: EtcdError | undefined;
    for (const [, connection] of others.length > 0 ? others : all) {
      try {
        return await call(connection);
      } catch (error) {
        last = toEtcdError(error);
        if (last.code === 'access') throw accessDenied(connection.endpoint, last);
        if (last.code !== 'unreachable' && last.code !== 'timeout') throw last;
      }
    }
    throw last ?? new Error('no member to ask');
  }

  /** One attempt on a free key. @returns whether the lock is now ours */
  async function create(): Promise<boolean> {
    const granted = await anywhere((connection) => grantLease(connection, Math.ceil(ttlMs / 1000)));
    leaseId = granted; // from here on there is something to release
    let ours = false;
    try {
      ours = await anywhere((connection) => createKey(connection, LOCK_KEY, value, granted));
      // An answer may have been lost after the key was put: then it hangs on this lease.
      ours ||= (await anywhere((connection) => readKey(connection, LOCK_KEY)))?.leaseId === granted;
    } finally {
      if (!ours) await release();
    }
    if (ours) missing = undefined;
    return ours;
  }

  async function renew(): Promise<void> {
    const id = leaseId;
    if (id === undefined) return;
    try {
      const seconds = await anywhere((connection) => renewLease(connection, id, ttlMs / 3));
      if (seconds <= 0 && leaseId === id) log.warn({ key: LOCK_KEY }, 'lock lost: its lease expired');
    } catch (error) {
      log.warn({ key: LOCK_KEY, reason: messageOf(error) }, 'lock not renewed');
    }
  }

  async function acquire(): Promise<void> {
    const deadline = Date.now() + ttlMs + GRACE_MS;
    const watch = renewalWatch();
    for (;;) {
      signal.throwIfAborted();
      const found = await anywhere((connection) => readKey(connection, LOCK_KEY));
      if (found === undefined) {
        if (await create()) return;
        continue;
      }
      if (found.leaseId === undefined)
        throw busy(
          found.value,
          'it hangs on no lease and so never expires: if no run is alive, delete the key',
        );
      const held = found.leaseId;
      const left = await anywhere((connection) => leaseSecondsLeft(connection, held));
      if (watch.sees(held, left))
        throw busy(found.value, 'its lease was renewed while it was watched, so that run is alive');
      if (Date.now() > deadline)
        throw busy(
          found.value,
          `its lease has ${left.seconds} s left, more than LOCK_TTL allows to wait for`,
        );
      if (watch.isFirst())
        log.info(
          { key: LOCK_KEY, holder: found.value, secondsLeft: left.seconds },
          'lock is held, waiting for it to expire or be renewed',
        );
      await pause(POLL_MS, signal);
    }
  }

  async function ensure(): Promise<void> {
    try {
      const found = await anywhere((connection) => readKey(connection, LOCK_KEY));
      if (found !== undefined && found.leaseId === leaseId && leaseId !== undefined) return;
      if (found !== undefined) {
        throw new Failure(
          'refused',
          `the lock ${LOCK_KEY} now belongs to another run (${found.value}); this one stops here and changes nothing more`,
        );
      }
      if (leaseId !== undefined) log.warn({ key: LOCK_KEY }, 'lock was gone and free, taking it again');
      if (!(await create()))
        throw new Failure(
          'refused',
          `another run took the lock ${LOCK_KEY} first; this one stops here and changes nothing more`,
        );
    } catch (error) {
      if (error instanceof Failure) throw error;
      const refusal = toEtcdError(error);
      if (refusal.code === 'no-space') {
        missing = refusal;
        return;
      }
      throw new Failure(
        'step',
        `the lock ${LOCK_KEY} could not be checked (${refusal.message}), so nothing more is changed`,
        { cause: refusal },
      );
    }
  }

  async function touch(): Promise<boolean> {
    const before = leaseId;
    await ensure();
    if (leaseId === undefined) return false;
    const held = leaseId;
    if (held !== before) return true; // taken just now: that was a write
    try {
      await anywhere((connection) => putKey(connection, LOCK_KEY, value, held));
      return true;
    } catch (error) {
      const refusal = toEtcdError(error);
      if (refusal.code === 'no-space') return false; // it filled up since the lock was taken
      throw refusal;
    }
  }

  async function release(): Promise<void> {
    const id = leaseId;
    leaseId = undefined;
    if (id === undefined) return;
    try {
      await anywhere((connection) => revokeLease(connection, id, RELEASE_TIMEOUT_MS));
    } catch (error) {
      const refusal = toEtcdError(error);
      if (refusal.code === 'lease-not-found') return;
      log.warn({ key: LOCK_KEY, reason: refusal.message }, 'lock not released, it expires by itself');
    }
  }

  try {
    await acquire();
  } catch (error) {
    if (error instanceof Failure) {
      await release(); // the end of the run may have come between the lease and the key
      throw error;
    }
    missing = toEtcdError(error);
  }
  const renewal = setInterval(() => void renew(), ttlMs / 3);
  return {
    get missing() {
      return leaseId === undefined ? (missing?.message ?? 'not taken') : undefined;
    },
    ensure,
    async avoid(memberId) {
      avoided = memberId;
      // A full lease to begin with: a cluster of one cannot renew it until it answers again.
      await renew();
    },
    touch,
    async release() {
      clearInterval(renewal);
      await release();
    },
  };
}

const busy = (holder: string, why: string): Failure =>
  new Failure('locked', `another run holds the lock ${LOCK_KEY} (${holder}): ${why}; nothing was changed`);
