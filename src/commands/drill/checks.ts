import type { Manifest } from '../../backup/manifest.ts';
import { Failure } from '../../errors.ts';
import type { Connection } from '../../etcd/client/connection.ts';
import { countKeys } from '../../etcd/client/keys.ts';
import { hashKV } from '../../etcd/client/maintenance.ts';
import { status } from '../../etcd/client/status.ts';
import type { ClusterClient } from '../../etcd/cluster/discover.ts';
import { accessDenied, type EtcdError, toEtcdError } from '../../etcd/errors.ts';

export interface Check {
  what: string;
  expected: number | string;
  found: number | string;
  /** `not compared`: `found` says why, and it is no failure */
  result: 'same' | 'differs' | 'not compared';
}

const COUNT_TIMEOUT_MS = 60_000;
const HASH_TIMEOUT_MS = 120_000;

/**
 * Compares a restored member with the manifest, at the revision of the manifest: what came later, be it in the
 * snapshot or after the restore (leased keys go away then, the lock of the run among them), does not count.
 * @throws Failure `configuration` when etcd refuses access, `unreachable` when the member does not answer
 */
export async function compareWith(manifest: Manifest, cluster: ClusterClient): Promise<Check[]> {
  const [connection] = cluster.connections.values();
  if (connection === undefined) {
    throw new Failure('unreachable', `no member of ${cluster.settings.endpoints.join(', ')} can be asked`);
  }
  try {
    const now = await status(connection);
    const revision: Check = {
      what: 'revision, at least',
      expected: manifest.revision,
      found: now.revision,
      result: now.revision >= manifest.revision ? 'same' : 'differs',
    };
    // Without that revision there is nothing to ask for.
    if (revision.result === 'differs') return [revision];
    return [revision, await compareKeys(manifest, connection), await compareHashes(manifest, connection)];
  } catch (error) {
    throw failureOf(toEtcdError(error), connection);
  }
}

async function compareKeys({ revision, keys }: Manifest, connection: Connection): Promise<Check> {
  const what = `keys at revision ${revision}`;
  try {
    const { keys: found } = await countKeys(connection, COUNT_TIMEOUT_MS, revision);
    return { what, expected: keys, found, result: found === keys ? 'same' : 'differs' };
  } catch (error) {
    // Nothing in the snapshot itself can have gone so far, so somebody compacted after the restore.
    const found = compacted(error);
    return { what, expected: keys, found, result: 'differs' };
  }
}

async function compareHashes({ hashKV: noted }: Manifest, connection: Connection): Promise<Check> {
  if (noted === undefined) {
    return { what: 'HashKV', expected: 'not in the manifest', found: '-', result: 'not compared' };
  }
  const check = { what: `HashKV at revision ${noted.revision}`, expected: noted.hash };
  try {
    const { hash, compactRevision } = await hashKV(connection, noted.revision, HASH_TIMEOUT_MS);
    if (compactRevision !== noted.compactRevision) {
      // Somebody, say kube-apiserver, compacted between the hash and the snapshot.
      const found = `compacted at ${compactRevision}, then at ${noted.compactRevision}`;
      return { ...check, found, result: 'not compared' };
    }
    return { ...check, found: hash, result: hash === noted.hash ? 'same' : 'differs' };
  } catch (error) {
    return { ...check, found: compacted(error), result: 'not compared' };
  }
}

/** For a refusal because of compaction; any other is thrown. */
function compacted(error: unknown): string {
  const refusal = toEtcdError(error);
  if (refusal.code !== 'compacted') throw refusal;
  return 'compacted away (restore without --mark-compacted)';
}

function failureOf(refusal: EtcdError, { endpoint }: Connection): Failure {
  if (refusal.code === 'access') return accessDenied(endpoint, refusal);
  const message = `the restored member at ${endpoint} stopped answering: ${refusal.message}; look at its log`;
  return new Failure('unreachable', message, { cause: refusal });
}
