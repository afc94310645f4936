import { sizeBytes } from '../../src/config/units.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { type Bench, type Data, say } from './context.ts';
import { corpusFile } from './corpus/corpus.ts';
import { command } from './measure.ts';

const OBJECT_BYTES = 10_000;
const LIVE_OBJECTS = 2_000;
/** More than any bench fills. */
export const QUOTA_BYTES = 16 * 2 ** 30;

/** Members with TLS whose files have about that size, most of it history; a corpus of objects has a size of its own. */
export async function databaseOf({ folder }: Bench, data: Data, size: string, members = 1): Promise<Cluster> {
  const options = { size: members, tls: true, quotaBytes: QUOTA_BYTES, dataDir: folder };
  const cluster = isFilled(data)
    ? await filled(await startCluster(options), data, size)
    : await startCluster({ ...options, snapshot: await corpusFile(data, say) });
  await command('sync', []); // else the disk is still busy with it while the first backup is measured
  return cluster;
}

/** For the rows. */
export const nameOf = (data: Data, size: string): string => (isFilled(data) ? `${size} of ${data}` : data);

/** Data that come in any size. */
export const isFilled = (data: Data): data is 'text' | 'random' => data === 'text' || data === 'random';

async function filled(cluster: Cluster, data: 'text' | 'random', size: string): Promise<Cluster> {
  say(`Filling ${cluster.members.length} member(s) with ${size} of ${data}`);
  const overwrites = Math.max(1, Math.round(sizeBytes(size) / (LIVE_OBJECTS * OBJECT_BYTES)) - 1);
  const values = { keys: LIVE_OBJECTS, valueBytes: OBJECT_BYTES, overwrites };
  await fill(cluster, { ...values, compressible: data === 'text' });
  return cluster;
}
