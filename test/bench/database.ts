import { sizeBytes } from '../../src/config/units.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { type Bench, say } from './context.ts';
import { command } from './measure.ts';

const OBJECT_BYTES = 10_000;
const LIVE_OBJECTS = 2_000;
/** More than any bench fills. */
export const QUOTA_BYTES = 16 * 2 ** 30;

/** Members with TLS whose files have about that size, most of it history. */
export async function databaseOf({ folder }: Bench, size: string, members = 1): Promise<Cluster> {
  say(`Filling ${members === 1 ? 'one member' : `${members} members`} with ${size}`);
  const cluster = await startCluster({
    size: members,
    tls: true,
    quotaBytes: QUOTA_BYTES,
    dataDir: folder,
  });
  const overwrites = Math.max(1, Math.round(sizeBytes(size) / (LIVE_OBJECTS * OBJECT_BYTES)) - 1);
  await fill(cluster, { keys: LIVE_OBJECTS, valueBytes: OBJECT_BYTES, overwrites, compressible: true });
  await command('sync', []); // else the disk is still busy with it while the first backup is measured
  return cluster;
}
