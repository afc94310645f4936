import { pause } from '../../util/abortable.ts';
import { Failure } from '../../errors.ts';
import type { Connection } from '../client/connection.ts';
import { toEtcdError } from '../errors.ts';
import type { Lock } from '../lock/lock.ts';
import { readMetrics } from '../client/metrics.ts';

const METRIC = 'etcd_mvcc_db_open_read_transactions';
/** etcd itself always holds one. */
const IDLE = 1;
/**
 * Longer than etcd's batch interval (100 ms), after which the metric is true again, and a heartbeat (100 ms), with which a
 * follower learns of the write. Often the number is one too high for once, as etcd counts a transaction that it is about to
 * give back: so it is asked again at once, by another write.
 */
const SETTLE_MS = 300;
const PATIENCE_MS = 30_000;

/**
 * Waits until nobody streams a snapshot from the member: a defragmentation would wait for the stream, and the member
 * would answer nobody until both are over. A member whose metrics cannot be read is taken to be free; so is every one
 * where nothing can be written (NOSPACE), because the number is then of no one knows when, and only defragmentation
 * helps such a cluster.
 *
 * @throws Failure `refused` when a stream stays open; `step` when nobody can be asked
 */
export async function awaitNoSnapshotStream(
  connection: Connection,
  lock: Lock,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let above = 0;
  for (;;) {
    // Members tell the number of their last commit. This write makes every one of them commit.
    if (!(await commit(lock))) return;
    await pause(SETTLE_MS, signal);
    const open = (await readMetrics(connection)).get(METRIC) ?? IDLE;
    above = open > IDLE ? above + 1 : 0;
    if (above === 0) return;
    if (above > 1 && performance.now() >= deadline) {
      throw new Failure(
        'refused',
        `somebody has been streaming a snapshot from it for ${PATIENCE_MS / 1000} s: until that ends a defragmentation would freeze it`,
      );
    }
  }
}

/** @returns false where nothing can be written */
async function commit(lock: Lock): Promise<boolean> {
  try {
    return await lock.touch();
  } catch (error) {
    const { message } = toEtcdError(error);
    throw new Failure(
      'step',
      `whether somebody streams a snapshot from it is not known, as the lock's key could not be written: ${message}`,
      { cause: error },
    );
  }
}
