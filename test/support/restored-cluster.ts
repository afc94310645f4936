import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { type Cluster, type ClusterOptions, startCluster } from './etcd-cluster.ts';
import { scratchFolder } from './scratch-folder.ts';

/**
 * Restores a snapshot file the way an operator would and serves the result: the proof of a backup. A snapshot of a
 * cluster with authentication on needs its `auth`. Throws where etcdutl refuses the file.
 */
export function restoreSnapshot(
  snapshot: string,
  options: Omit<ClusterOptions, 'snapshot'> = {},
): Promise<Cluster> {
  return startCluster({ ...options, snapshot });
}

/** Decompresses a `.zst` file into a folder that lives as long as this process; returns the new file's path. */
export async function decompress(path: string): Promise<string> {
  const folder = await scratchFolder('decompressed');
  const target = join(folder.path, 'snapshot.db');
  await pipeline(createReadStream(path), createZstdDecompress(), createWriteStream(target));
  return target;
}
