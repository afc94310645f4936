import { LOCK_KEY } from '../../util/lock-key.ts';
import type { Entry } from '../entries.ts';

const LOCK = Buffer.from(LOCK_KEY);

/**
 * Tells keys that count as nobody's: the run's own lock and what is below it, which a backup has because it was being
 * made, and the key without a name that `etcdutl snapshot restore --bump-revision` writes.
 */
export function isNobodys({
  bytes,
  keyAt,
  keyLength,
}: Pick<Entry, 'bytes' | 'keyAt' | 'keyLength'>): boolean {
  if (keyLength === 0) return true;
  if (bytes[keyAt] !== LOCK[0] || keyLength < LOCK.length) return false;
  return bytes.compare(LOCK, 0, LOCK.length, keyAt, keyAt + LOCK.length) === 0;
}
