import type { Cluster } from './cluster-handle.ts';
import { readKeys, type StoredValue } from './read-keys.ts';

/** What etcd itself says of what became of its keys. */
export interface KeyChanges {
  created: string[];
  changed: string[];
  deleted: string[];
}

/** What diff leaves out unless it is asked for: an API server renews the last three of itself, at any moment. */
export const SHORT_LIVED = /^\/registry\/(events|leases|masterleases|peerserverleases)\//;

/** Every key of a cluster but the run's own lock, as of a revision. */
export async function keysAt(cluster: Cluster, revision: number): Promise<Map<string, StoredValue>> {
  const keys = await readKeys(cluster, '', revision);
  keys.delete('etcd-upkeep/lock');
  return keys;
}

export function changesBetween(
  before: ReadonlyMap<string, StoredValue>,
  after: ReadonlyMap<string, StoredValue>,
): KeyChanges {
  const old = [...before.keys()].toSorted();
  const isChanged = (key: string): boolean => {
    const now = after.get(key);
    return now !== undefined && now.modRevision !== before.get(key)?.modRevision;
  };
  return {
    created: [...after.keys()].filter((key) => !before.has(key)).toSorted(),
    changed: old.filter(isChanged),
    deleted: old.filter((key) => !after.has(key)),
  };
}

/** Of each list those that the pattern fits, or fits not. */
export function filterKeys(changes: KeyChanges, pattern: RegExp, fits = true): KeyChanges {
  const filter = (keys: string[]): string[] => keys.filter((key) => pattern.test(key) === fits);
  return {
    created: filter(changes.created),
    changed: filter(changes.changed),
    deleted: filter(changes.deleted),
  };
}
