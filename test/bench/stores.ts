import { rm } from 'node:fs/promises';
import type { S3Server } from '../support/s3-server.ts';
import type { Bench } from './context.ts';

/** Where backups go. */
export interface BenchStore {
  /** `file` or `S3`, for the rows. */
  name: string;
  /** What a job has to know of it, to write and to read. */
  env: Record<string, string>;
  clear(): Promise<void>;
}

export function folderStore({ store }: Bench): BenchStore {
  return {
    name: 'file',
    env: { BACKUP_STORE: `file://${store}`, CLUSTER_NAME: 'bench' },
    clear: () => rm(store, { recursive: true, force: true }),
  };
}

/** The job and the server share the machine. */
export function bucketStore(server: S3Server, url = server.url): BenchStore {
  return {
    name: 'S3',
    env: {
      ...server.env(url),
      BACKUP_STORE: `s3://${server.bucket}/etcd?forcePathStyle=true`,
      CLUSTER_NAME: 'bench',
    },
    clear: () => server.clear(),
  };
}
